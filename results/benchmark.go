package results

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cometbench/matrix"

	"golang.org/x/perf/benchfmt"
)

// benchmarkName matches the names of the benchmarks that measure cells, as
// [matrix.Cell.Benchmark] has them.
const benchmarkName = "Benchmark(?:Throughput|Latency)/"

// Record returns the line that the benchmark prints for a run, without its
// line end: name, one iteration, the author time and the metrics, formatted by
// package testing itself.
func Record(r *Run) string {
	extra := make(map[string]float64)
	for _, f := range r.Figures() {
		extra[f.Unit] = f.Value
	}
	name := r.Cell.Benchmark() + "/" + r.Cell.String()
	if r.Machine.Procs > 1 {
		name = fmt.Sprintf("%s-%d", name, r.Machine.Procs)
	}
	return name + "\t" + testing.BenchmarkResult{N: 1, T: r.Author.Elapsed, Extra: extra}.String()
}

// WriteUnits writes a benchmark's Unit lines: for each figure that such runs may
// have besides sec/op, which direction is better.
func WriteUnits(w io.Writer, runs []*Run) error {
	metrics := common()
	if slices.ContainsFunc(runs, func(r *Run) bool { return r.Cell.Rate > 0 }) {
		metrics = Metrics()
	}
	for _, m := range metrics[1:] {
		if _, err := fmt.Fprintf(w, "Unit %s better=%s\n", m.Unit, m.Better); err != nil {
			return err
		}
	}
	return nil
}

// WriteBenchmark writes the runs of the tree dir as the benchmark prints them,
// in the order in which they were run. Lines of configuration come before the
// first record, the same for all brokers; where runs differ in one (another
// kernel, say), it is repeated before each block of runs that share it.
//
// It calls warn with what isn't part of the tree, and with its void runs. Runs
// that can't be read or are left out don't keep the others from being written,
// and are in the error.
func WriteBenchmark(ctx context.Context, w io.Writer, dir string, o Options, warn func(string)) error {
	c, err := readTree(ctx, dir, o)
	if err != nil {
		return err
	}
	for _, text := range c.warnings {
		warn(text)
	}
	for _, v := range c.void {
		warn(v.String())
	}
	runs := make([]*Run, len(c.runs))
	for i, found := range c.runs {
		if text := found.stale(); text != "" {
			warn(text)
		}
		runs[i] = found.Run
		runs[i].Cell.Broker = cmp.Or(runs[i].Cell.Broker, unnamed)
	}
	// Runs of the original experiment have no time, and keep their order.
	slices.SortStableFunc(runs, func(a, b *Run) int { return a.Started.Compare(b.Started) })
	if err := writeRuns(w, runs); err != nil {
		return err
	}
	return errors.Join(c.broken...)
}

// unnamed is the broker in names of benchmarks of runs that name none.
const unnamed = "unnamed"

func writeRuns(w io.Writer, runs []*Run) error {
	if err := WriteUnits(w, runs); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	var varying []string // keys in which runs differ
	now := make(map[string]string)
	for _, c := range Configs(runs) {
		if strings.Contains(c.Value, alternative) && c.key() != nil {
			varying = append(varying, c.Key)
			continue
		}
		fmt.Fprintln(out, c)
	}
	set := func(key, value, prefix string) {
		if value != "" && now[key] != value {
			fmt.Fprintf(out, "%s%s: %s\n", prefix, key, value)
			now[key] = value
		}
	}
	for _, r := range runs {
		for _, c := range r.config() {
			if slices.Contains(varying, c.Key) {
				set(c.Key, c.Value, c.prefix())
			}
		}
		if r.Machine.OS != "" { // the lines of package testing
			set("goos", r.Machine.OS, "")
			set("goarch", r.Machine.Arch, "")
			set("pkg", "cometbench", "")
			set("cpu", r.Machine.CPU, "")
		}
		fmt.Fprintln(out, Record(r))
	}
	return out.Flush()
}

// torn matches a record that doesn't begin its line.
var torn = regexp.MustCompile(`(?m)^.+` + benchmarkName + `\S+\s+[0-9]+\s+[0-9.e+-]+ ns/op\b`)

// readBenchmark reads the output of the benchmark, as `go test -bench` and
// [WriteBenchmark] print it.
//
// package testing prints the name of a record before the run, the figures after
// it. What stderr writes meanwhile into the same file tears the line apart: such
// runs are left out, and counted in the error.
func readBenchmark(text []byte, name string) (*Set, error) {
	set := &Set{Source: name}
	index := make(map[matrix.Cell]int)
	config := new(configList)
	for line := range bytes.Lines(text) {
		if note, ok := bytes.CutPrefix(line, []byte(notePrefix)); ok {
			if key, value, ok := bytes.Cut(bytes.TrimSpace(note), []byte(": ")); ok {
				config.line(string(key), string(value))
			}
		}
	}
	log := readLog(string(text), name)
	set.Void = log.void
	lines := bytes.Split(text, []byte("\n"))
	broken := len(torn.FindAll(text, -1))
	reader := benchfmt.NewReader(bytes.NewReader(text), name)
	for reader.Scan() {
		switch rec := reader.Result().(type) {
		case *benchfmt.SyntaxError:
			switch {
			case logMark.Match(bytes.TrimRight(lines[rec.Line-1], "\r")): // a void run
			case strings.HasPrefix(string(lines[rec.Line-1]), "Unit"):
				set.Warnings = append(set.Warnings, rec.Error())
			default:
				broken++
			}
		case *benchfmt.Result:
			file, line := rec.Pos()
			cell, err := matrix.ParseName(string(rec.Name))
			if err != nil {
				set.Warnings = append(set.Warnings, fmt.Sprintf("%s:%d: not of this experiment: %v", file, line, err))
				continue
			}
			if cell.Events, err = strconv.Atoi(rec.GetConfig("events")); err != nil {
				cell.Events = 0 // it isn't known, or not the same in all cells
			}
			figures := RunFigures{Name: fmt.Sprintf("%s:%d", file, line), Warnings: log.warnings[line],
				Bottleneck: log.bottlenecks[line]}
			if !figures.fill(rec) {
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
			figures.Number = len(m.Runs) + 1
			m.Runs = append(m.Runs, figures)
			for _, c := range rec.Config {
				if c.File {
					config.line(c.Key, string(c.Value))
				}
			}
		}
	}
	if err := reader.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var err error
	if broken > 0 {
		err = fmt.Errorf("%s: %d records are torn, and their runs left out: keep what go test writes to stderr out "+
			"of the file", name, broken)
		set.LeftOut = append(set.LeftOut, err.Error())
	}
	if len(set.Cells) == 0 {
		err = errors.Join(fmt.Errorf("%s: no results of the benchmark: want JSON of cometbench aggregate, or the "+
			"output of the benchmark", name), err)
		for _, v := range set.Void {
			err = fmt.Errorf("%w\n%s", err, v)
		}
		return nil, err
	}
	for i := range set.Cells {
		set.Cells[i].summarize()
	}
	set.sort()
	set.Config = config.configs()
	return set, err
}

// fill takes the figures from a record and reports whether all are there.
func (f *RunFigures) fill(rec *benchfmt.Result) bool {
	for _, role := range Roles() {
		v, ok := rec.Value(role.Unit())
		if !ok {
			return false
		}
		f.Rates[role] = v
	}
	missing, ok := rec.Value(missingUnit)
	if !ok {
		return false
	}
	f.Missing = int(missing)
	f.Figures = make(map[string]float64)
	for _, v := range rec.Values {
		f.Figures[v.Unit] = v.Value
	}
	if sec, ok := rec.Value(timeUnit); ok {
		f.Elapsed = time.Duration(sec * float64(time.Second))
	}
	if sec, ok := rec.Value(rttUnit); ok {
		f.RTT = time.Duration(sec * float64(time.Second))
	}
	return true
}
