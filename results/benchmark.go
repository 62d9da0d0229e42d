package results

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/matrix"

	"golang.org/x/perf/benchfmt"
)

// benchmarkName is the name of the benchmark that measures the cells.
const benchmarkName = "BenchmarkThroughput/"

// Record returns the line that the benchmark prints for a run, without its
// line end: name, one iteration, the author time and the metrics, formatted by
// package testing itself.
func Record(r *Run) string {
	extra := make(map[string]float64)
	for _, f := range r.Figures() {
		extra[f.Unit] = f.Value
	}
	name := benchmarkName + r.Cell.String()
	if r.Machine.Procs > 1 {
		name = fmt.Sprintf("%s-%d", name, r.Machine.Procs)
	}
	return name + "\t" + testing.BenchmarkResult{N: 1, T: r.Author.Elapsed, Extra: extra}.String()
}

// WriteUnits writes a benchmark's Unit lines: for each figure that a run may
// have besides sec/op, which direction is better.
func WriteUnits(w io.Writer) error {
	for _, m := range Metrics()[1:] {
		if _, err := fmt.Fprintf(w, "Unit %s better=%s\n", m.Unit, m.Better); err != nil {
			return err
		}
	}
	return nil
}

// WriteBenchmark writes the runs of the tree dir as the benchmark prints them,
// in the order in which they were run. Lines of configuration stand before the
// first record, the same for all brokers; where runs differ in one (another
// kernel, say), it is repeated before each block of runs that share it.
//
// Runs with stale databases are left out unless asked for; warn is called with
// what was left out or isn't part of the tree. Runs that can't be read don't
// keep the others from being written, and are in the error.
func WriteBenchmark(ctx context.Context, w io.Writer, dir string, o Options, warn func(string)) error {
	var runs []*Run
	var broken []error
	for found, err := range Scan(ctx, dir) {
		switch {
		case errors.Is(err, ErrForeign):
			warn(err.Error())
		case err != nil:
			if ctx.Err() != nil {
				return err
			}
			broken = append(broken, err)
		default:
			run := found.Run
			if run.Void != "" {
				warn(VoidRun{run.Cell, found.Path, run.Started, run.Void}.String())
				continue
			}
			if text := found.stale(); text != "" {
				if !o.Stale {
					warn(text + "; the run is left out")
					continue
				}
				warn(text)
			}
			run.Cell.Broker = cmp.Or(run.Cell.Broker, o.Broker, unnamed)
			runs = append(runs, run)
		}
	}
	if len(runs) == 0 {
		if len(broken) == 0 {
			return noRuns(dir)
		}
		return errors.Join(broken...)
	}
	// Runs of the original experiment have no time, and keep their order.
	slices.SortStableFunc(runs, func(a, b *Run) int { return a.Started.Compare(b.Started) })
	if err := writeRuns(w, runs); err != nil {
		return err
	}
	return errors.Join(broken...)
}

// unnamed is the broker in names of benchmarks of runs that name none.
const unnamed = "unnamed"

func writeRuns(w io.Writer, runs []*Run) error {
	if err := WriteUnits(w); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	var varying []string // keys in which runs differ
	now := make(map[string]string)
	for _, c := range Configs(runs) {
		if strings.Contains(c.Value, alternative) && slices.Contains(configKeys(), c.Key) {
			varying = append(varying, c.Key)
			continue
		}
		fmt.Fprintf(out, "%s: %s\n", c.Key, c.Value)
	}
	set := func(key, value string) {
		if value != "" && now[key] != value {
			fmt.Fprintf(out, "%s: %s\n", key, value)
			now[key] = value
		}
	}
	for _, r := range runs {
		for _, c := range r.config() {
			if slices.Contains(varying, c.Key) {
				set(c.Key, c.Value)
			}
		}
		if r.Machine.OS != "" { // the lines of package testing
			set("goos", r.Machine.OS)
			set("goarch", r.Machine.Arch)
			set("pkg", "cometbench")
			set("cpu", r.Machine.CPU)
		}
		fmt.Fprintln(out, Record(r))
	}
	return out.Flush()
}

// readBenchmark reads the output of the benchmark, as `go test -bench` and
// [WriteBenchmark] print it.
func readBenchmark(r io.Reader, name string) (*Set, error) {
	set := &Set{Source: name}
	index := make(map[matrix.Cell]int)
	reader := benchfmt.NewReader(r, name)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			set.Warnings = append(set.Warnings, rec.Error())
		case *benchfmt.Result:
			file, line := rec.Pos()
			cell, err := matrix.ParseName(string(rec.Name))
			if err != nil {
				set.Warnings = append(set.Warnings, fmt.Sprintf("%s:%d: not of this experiment: %v", file, line, err))
				continue
			}
			if n, err := fmt.Sscan(rec.GetConfig("events"), &cell.Events); n != 1 || err != nil {
				cell.Events = 0
			}
			s := RunFigures{Name: fmt.Sprintf("%s:%d", file, line)}
			if !s.fill(rec) {
				set.Warnings = append(set.Warnings, fmt.Sprintf("%s:%d: %s: want %s, %s, %s and %s", file, line, cell,
					RoleAuthor.Unit(), RoleBroker.Unit(), RoleSubscriber.Unit(), missingUnit))
				continue
			}
			i, ok := index[cell]
			if !ok {
				i = len(set.Cells)
				index[cell] = i
				set.Cells = append(set.Cells, CellRuns{Cell: cell})
			}
			m := &set.Cells[i]
			s.Number = len(m.Runs) + 1
			m.Runs = append(m.Runs, s)
			if len(set.Config) == 0 {
				for _, c := range rec.Config {
					if c.File {
						set.Config = append(set.Config, ConfigLine{c.Key, string(c.Value)})
					}
				}
			}
		}
	}
	if err := reader.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(set.Cells) == 0 {
		return nil, fmt.Errorf("%s: no results of BenchmarkThroughput: want JSON of cometbench aggregate, or the output of the benchmark", name)
	}
	for i := range set.Cells {
		set.Cells[i].summarize()
	}
	set.sort()
	return set, nil
}

// fill takes the figures from a record and reports whether all are there.
func (s *RunFigures) fill(rec *benchfmt.Result) bool {
	for _, role := range Roles() {
		v, ok := rec.Value(role.Unit())
		if !ok {
			return false
		}
		s.Rates[role] = v
	}
	missing, ok := rec.Value(missingUnit)
	if !ok {
		return false
	}
	s.Missing = int(missing)
	if sec, ok := rec.Value(timeUnit); ok {
		s.Elapsed = time.Duration(sec * float64(time.Second))
	}
	if sec, ok := rec.Value(rttUnit); ok {
		s.RTT = time.Duration(sec * float64(time.Second))
	}
	return true
}
