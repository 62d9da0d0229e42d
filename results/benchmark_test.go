package results

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"cometbench/internal/golden"
	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/subject"

	"golang.org/x/perf/benchfmt"
)

// printed is the environment variable that names the tree whose runs
// BenchmarkThroughput prints.
const printed = "COMETBENCH_TEST_TREE"

// BenchmarkThroughput isn't one: it stands for the benchmark of the experiment
// and reports the runs of a tree as that does, for TestBenchmarkOutput.
func BenchmarkThroughput(b *testing.B) {
	dir := os.Getenv(printed)
	if dir == "" {
		b.Skip("it only serves TestBenchmarkOutput")
	}
	var runs []*Run
	for f, err := range Scan(b.Context(), dir) {
		if err != nil {
			b.Fatal(err)
		}
		runs = append(runs, f.Run)
	}
	if err := WriteConfig(os.Stdout, Configs(runs)); err != nil {
		b.Fatal(err)
	}
	if err := WriteUnits(os.Stdout, nil); err != nil {
		b.Fatal(err)
	}
	slices.SortStableFunc(runs, func(x, y *Run) int { return x.Started.Compare(y.Started) })
	for _, first := range runs {
		if first.Number != 1 {
			continue
		}
		number := 0 // -count makes several calls, one after another
		b.Run(first.Cell.String(), func(b *testing.B) {
			for b.Loop() {
				number++
			}
			i := slices.IndexFunc(runs, func(r *Run) bool { return r.Cell == first.Cell && r.Number == number })
			if i < 0 {
				b.Fatalf("there is no run %d", number)
			}
			b.ReportMetric(float64(runs[i].Author.Elapsed.Nanoseconds()), "ns/op")
			for _, f := range runs[i].Figures() {
				b.ReportMetric(f.Value, f.Unit)
			}
		})
	}
}

// cmd returns a command with a deadline.
func cmd(t *testing.T, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, name, args...)
}

// benchstat runs benchstat on the output of a benchmark.
func benchstat(t *testing.T, in []byte) string {
	t.Helper()
	c := cmd(t, require.Command(t, "go", "go"), "tool", "benchstat", "-")
	c.Stdin = bytes.NewReader(in)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("benchstat: %v\n%s", err, in)
	}
	return string(out)
}

// withoutMachine removes the lines that package testing prints of the machine.
func withoutMachine(text string) []byte {
	var b bytes.Buffer
	for line := range strings.Lines(text) {
		switch key, _, _ := strings.Cut(line, ":"); key {
		case "goos", "goarch", "pkg", "cpu":
		default:
			b.WriteString(line)
		}
	}
	return b.Bytes()
}

// A tree is printed as the benchmark printed its runs: the records are the
// same, and so is what benchstat makes of them.
func TestBenchmarkOutput(t *testing.T) {
	dir := t.TempDir()
	for cells, broker := range []string{"embedded", "comet-3.1.0"} {
		for i, c := range []matrix.Cell{{Conns: 8}, {Latency: 10 * time.Millisecond, Conns: 64}} {
			c.Broker, c.Events = broker, 40
			for n := 1; n <= 7; n++ {
				end := 0.08 + 0.013*float64(n%5)
				m := madeRun{cell: c, stored: true, acked: 40, elapsed: time.Duration((end + 0.0123) * 1e9),
					broker: spread(40, end), subscriber: spread(39, end)}
				run := m.write(t, dir, n)
				run.Started = epoch.Add(time.Duration(20*cells+10*i+n) * time.Minute)
				run.Machine.Procs = 3
				if broker == "embedded" {
					run.Software = subject.Software{}
					run.HarnessCPU = 12345678
				}
				writeJSON(t, dir+"/"+c.Dir()+"/"+fmt.Sprint("run", n)+"/"+RunFile, run)
			}
		}
	}
	c := cmd(t, os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkThroughput$", "-test.benchtime=1x", "-test.cpu=3",
		"-test.count=7")
	c.Env = append(os.Environ(), printed+"="+dir)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var b bytes.Buffer
	if err := WriteBenchmark(t.Context(), &b, dir, Options{}, func(s string) { t.Error(s) }); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "bench.txt", b.Bytes())

	// Record by record.
	records := func(text []byte) map[string]int {
		m := make(map[string]int)
		r := benchfmt.NewReader(bytes.NewReader(text), "output")
		for r.Scan() {
			switch rec := r.Result().(type) {
			case *benchfmt.Result:
				var line bytes.Buffer
				rec.Config = nil
				if err := benchfmt.NewWriter(&line).Write(rec); err != nil {
					t.Fatal(err)
				}
				m[line.String()]++
			case *benchfmt.SyntaxError:
				t.Errorf("%v", rec)
			}
		}
		return m
	}
	got, want := records(b.Bytes()), records(out)
	if len(want) < 4 {
		t.Fatalf("%d records in\n%s", len(want), out)
	}
	for line, n := range want {
		if got[line] != n {
			t.Errorf("%d times, want %d: %s", got[line], n, line)
		}
	}

	// The stand-in can't print what package testing says of the machine.
	ofTree, ofPrinted := benchstat(t, withoutMachine(b.String())), benchstat(t, withoutMachine(string(out)))
	if ofTree != ofPrinted || !strings.Contains(ofTree, "geomean") {
		t.Errorf("benchstat on the tree:\n%s\non what was printed:\n%s", ofTree, ofPrinted)
	}

	// Read as a set, both give what the tree gives, to the digits printed.
	set, err := Read(bytes.NewReader(out), "output", Options{})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := Load(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range tree.Cells {
		p := set.Find(m.Cell.Broker, m.Cell.Latency, m.Cell.Conns)
		if p == nil || len(p.Runs) != len(m.Runs) || p.Missing != m.Missing || p.Cell != m.Cell {
			t.Fatalf("%s: printed %+v", m.Cell, p)
		}
		for _, r := range Roles() {
			if !near(p.Rates[r].Mean, m.Rates[r].Mean, 1e-3, 0) {
				t.Errorf("%s: printed %v, want %v", m.Cell, p.Rates[r], m.Rates[r])
			}
		}
		if !near(p.RTT().Seconds(), m.RTT().Seconds(), 1e-3, 0) {
			t.Errorf("%s: printed RTT %v, want %v", m.Cell, p.RTT(), m.RTT())
		}
	}
}

// Runs that differ in their configuration stand in blocks of their own.
func TestBenchmarkBlocks(t *testing.T) {
	run := func(kernel string, latency time.Duration, netem string) *Run {
		return &Run{Cell: matrix.Cell{Broker: "embedded", Latency: latency, Conns: 8, Events: 40}, Netem: netem,
			Machine: Machine{Kernel: kernel, Engine: "Docker 20.10.24"},
			Author:  Author{Elapsed: time.Second, Sent: 40, Acked: 40}}
	}
	var b strings.Builder
	if err := writeRuns(&b, []*Run{run("6.1", 0, "none"), run("6.1", time.Millisecond, "kernel"),
		run("6.2", 0, "none")}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "Unit ") {
			got = append(got, strings.Fields(strings.TrimPrefix(line, notePrefix))[0])
		}
	}
	want := "events: engine: netem: kernel: BenchmarkThroughput/broker=embedded/latency=0ms/conns=8 " +
		"BenchmarkThroughput/broker=embedded/latency=1ms/conns=8 kernel: " +
		"BenchmarkThroughput/broker=embedded/latency=0ms/conns=8"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q\nwant %q", strings.Join(got, " "), want)
	}
}

// Two outputs of the benchmark that differ in what a newer version differs in go
// through benchstat as one table, with the changes of each cell.
func TestBenchstatOldNew(t *testing.T) {
	write := func(file, comet, netem string, slower time.Duration) {
		var runs []*Run
		for n := range 6 {
			runs = append(runs, &Run{
				Cell:    matrix.Cell{Broker: "embedded", Latency: 10 * time.Millisecond, Conns: 8, Events: 40},
				Netem:   netem,
				Machine: Machine{Kernel: "6.1"}, Software: subject.Software{Comet: comet},
				Author: Author{Elapsed: time.Second + time.Duration(n)*time.Millisecond + slower, Sent: 40, Acked: 40},
				Broker: Database{Format: "gdbm"}, Subscriber: Database{Format: "gdbm"},
			})
		}
		var b bytes.Buffer
		if err := writeRuns(&b, runs); err != nil {
			t.Fatal(err)
		}
		if slower > 0 {
			b.WriteString(ConfigLine{"left-out", "comet-3.1.0"}.String() + "\n")
		}
		if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	write(dir+"/old", "3.0.0", "kernel", 0)
	write(dir+"/new", "3.1.0", "userspace", 100*time.Millisecond)
	out, err := cmd(t, require.Command(t, "go", "go"), "tool", "benchstat", dir+"/old", dir+"/new").Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), "vs base"); n == 0 || !strings.Contains(string(out), "+9.9") ||
		!strings.Contains(string(out), "(p=0.002 n=6)") {
		t.Errorf("got no comparison:\n%s", out)
	}
	set, err := Load(t.Context(), dir+"/new", Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []ConfigLine{{"events", "40"}, {"kernel", "6.1"}, {"netem", "userspace"}, {"embedded", "Comet 3.1.0"},
		{"left-out", "comet-3.1.0"}}
	if !slices.Equal(set.Config, want) {
		t.Errorf("got the configuration %q, want %q", set.Config, want)
	}
}

// The output of a benchmark is read in whatever form it was kept.
func TestReadForms(t *testing.T) {
	const text = "kernel: 6.1\n# netem: kernel\n" +
		"BenchmarkThroughput/broker=b/latency=0ms/conns=1-2 \t 1\t 5 ns/op\t 500 author-events/s\t 500 " +
		"broker-events/s\t 3 missing-events\t 500 subscriber-events/s\n"
	encode := func(order binary.AppendByteOrder) string {
		b := order.AppendUint16(nil, 0xfeff)
		for _, c := range utf16.Encode([]rune(text)) {
			b = order.AppendUint16(b, c)
		}
		return string(b)
	}
	// As go test -json -v prints it, in two events, with another package between.
	var events strings.Builder
	for i, part := range []string{text[:60], text[60:]} {
		line, err := json.Marshal(testEvent{"output", "cometbench", part})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&events, "{\"Action\":\"start\",\"Package\":\"other%d\"}\n%s\n", i, line)
	}
	name, figures, _ := strings.Cut(text[strings.Index(text, "Benchmark"):], " \t")
	for _, tt := range []struct{ form, text, err string }{
		{"text", text, ""},
		{"UTF-16, little endian", encode(binary.LittleEndian), ""},
		{"UTF-16, big endian", encode(binary.BigEndian), ""},
		{"UTF-8 with a byte order mark", "\ufeff" + text, ""},
		{"go test -json", events.String(), ""},
		{"one torn by a message", text + name + "\tcometbench: a message\n" + figures,
			"results.txt: 1 records are torn"},
		{"one behind a message", text + "progress" + name + "\t" + figures, "results.txt: 1 records are torn"},
		{"messages about runs", text + "--- BENCH: " + name + "\ncometbench: " + name + " is void\n" + name + "\n", ""},
	} {
		set, err := Read(strings.NewReader(tt.text), "results.txt", Options{})
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || set == nil {
			t.Errorf("%s: got %v, want %q", tt.form, err, tt.err)
			continue
		}
		if len(set.Cells) != 1 || len(set.Cells[0].Runs) != 1 || set.Cells[0].Missing != 3 ||
			!slices.Equal(set.Config, []ConfigLine{{"kernel", "6.1"}, {"netem", "kernel"}}) {
			t.Errorf("%s: got %+v", tt.form, set)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", " \n", "empty"},
		{"UTF-16 without a byte order mark", "B\x00e\x00", "it holds zero bytes"},
		{"no results", "PASS\nok\n", "no results of the benchmark"},
		{"no cells", "{}", "no cells"},
		{"half", `{"0": {"1": {"author": `, "unexpected EOF"},
		{"more", `{"0": {}} x`, "more text"},
		{"no role", `{"0": {"1": {"author": {}, "missing": 0}}}`, "want author, broker, subscriber and missing"},
		{"connections", `{"0": {"none": {}}}`, "want a number of connections"},
		{"latency", `{"b": {"soon": {}}}`, "want a latency in milliseconds"},
		{"twice", `{"0": {}, "0": {}}`, "given twice"},
		{"list", `{"0": []}`, "want an object"},
	} {
		_, err := Read(strings.NewReader(tt.text), "results.txt", Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "results.txt: ") {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
