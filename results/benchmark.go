package results

import (
	"fmt"
	"io"
	"maps"
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
	for _, m := range r.Metrics() {
		extra[m.Unit] = m.Value
	}
	name := benchmarkName + r.Cell.String()
	if r.Machine.Procs > 1 {
		name = fmt.Sprintf("%s-%d", name, r.Machine.Procs)
	}
	return name + "\t" + testing.BenchmarkResult{N: 1, T: r.Author.Elapsed, Extra: extra}.String()
}

// WriteUnits writes a benchmark's Unit lines: for each figure of a run, which
// direction is better.
func WriteUnits(w io.Writer) error {
	r := Run{Cell: matrix.Cell{Latency: 1}}
	for _, m := range r.Metrics() {
		if _, err := fmt.Fprintf(w, "Unit %s better=%s\n", m.Unit, Better(m.Unit)); err != nil {
			return err
		}
	}
	return nil
}

// WriteConfig writes the lines of a benchmark's configuration.
func WriteConfig(w io.Writer, config []Config) error {
	for _, c := range config {
		if _, err := fmt.Fprintf(w, "%s: %s\n", c.Key, c.Value); err != nil {
			return err
		}
	}
	return nil
}

// Configs returns the configuration of runs as their benchmark prints it,
// before the first record: the same lines for every broker, since benchstat
// makes a table of its own of every combination. What is under test has a key
// for each broker that needs one:
//
//	comet-3.1.0: Comet 3.1.0, Python 3.11.2, Twisted 24.11.0
//
// Where runs have different values (kernels, say), the values stand beside
// each other in one line. Use it on the runs of one invocation.
func Configs(runs []*Run) []Config {
	var list []Config
	add := func(key, value string) {
		if value == "" {
			return
		}
		i := slices.IndexFunc(list, func(c Config) bool { return c.Key == key })
		switch {
		case i < 0:
			list = append(list, Config{key, value})
		case !slices.Contains(strings.Split(list[i].Value, " | "), value):
			list[i].Value += " | " + value
		}
	}
	for _, r := range runs {
		add("events", fmt.Sprint(r.Cell.Events))
	}
	for _, r := range runs {
		add("kernel", r.Machine.Kernel)
		add("engine", r.Machine.Engine)
		if r.Cell.Latency > 0 {
			add("netem", r.Netem)
		}
		add("host-cpu", r.Machine.CPU)
		if r.Machine.Cores > 0 {
			add("host-cores", fmt.Sprint(r.Machine.Cores))
		}
	}
	brokers := make(map[string]string)
	for _, r := range runs {
		if text := r.Software.String(); text != "" && brokers[r.Cell.Broker] == "" {
			brokers[r.Cell.Broker] = text
		}
	}
	for _, b := range slices.Sorted(maps.Keys(brokers)) {
		add(configKey(b), brokers[b])
	}
	return list
}

// configKey makes a configuration key of a broker's label: keys begin with a
// lower case letter and hold no space or upper case letter.
func configKey(label string) string {
	key := strings.ToLower(strings.Join(strings.Fields(label), "-"))
	if key == "" || key[0] < 'a' || key[0] > 'z' {
		key = "broker-" + key
	}
	return key
}

// String returns what was under test in one line, "" where nothing is known.
func (s Software) String() string {
	var parts []string
	for _, p := range []struct{ name, value string }{{"Comet", s.Comet}, {"Python", s.Python}, {"Twisted", s.Twisted}} {
		if p.value != "" {
			parts = append(parts, p.name+" "+p.value)
		}
	}
	return strings.Join(parts, ", ")
}

// readBenchmark reads the output of the benchmark, as `go test -bench` and
// Set.WriteBenchmark print it.
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
			s := Sample{Name: fmt.Sprintf("%s:%d", file, line)}
			if !s.fill(rec) {
				set.Warnings = append(set.Warnings, fmt.Sprintf("%s:%d: %s: want %s, %s, %s and missing-events", file, line, cell,
					RoleAuthor.Unit(), RoleBroker.Unit(), RoleSubscriber.Unit()))
				continue
			}
			i, ok := index[cell]
			if !ok {
				i = len(set.Cells)
				index[cell] = i
				set.Cells = append(set.Cells, Measured{Cell: cell})
			}
			m := &set.Cells[i]
			s.Number = len(m.Samples) + 1
			m.Samples = append(m.Samples, s)
			if len(set.Config) == 0 {
				for _, c := range rec.Config {
					if c.File {
						set.Config = append(set.Config, Config{c.Key, string(c.Value)})
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

// fill takes the sample's figures from a record and says whether all are there.
func (s *Sample) fill(rec *benchfmt.Result) bool {
	for _, role := range Roles() {
		v, ok := rec.Value(role.Unit())
		if !ok {
			return false
		}
		s.Rates[role] = v
	}
	missing, ok := rec.Value("missing-events")
	if !ok {
		return false
	}
	s.Missing = int(missing)
	if sec, ok := rec.Value("sec/op"); ok {
		s.Elapsed = time.Duration(sec * float64(time.Second))
	}
	if sec, ok := rec.Value("rtt-sec"); ok {
		s.RTT = time.Duration(sec * float64(time.Second))
	}
	return true
}
