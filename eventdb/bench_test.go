package eventdb

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
)

// pythonModules are Python's modules that write event databases, by what
// the test calls their formats, with the program that reads or writes one: it
// prints the seconds spent.
var pythonModules = []struct{ name, module, file string }{
	{"gdbm", "dbm.gnu", "_test"},
	{"ndbm", "dbm.ndbm", "_test"},
	{"dumb", "dbm.dumb", "_test"},
	{"sqlite", "sqlite3", "_test"},
}

// python returns a Python 3 that has the module.
func python(t testing.TB, module string) string {
	t.Helper()
	for _, p := range []string{"/usr/bin/python3", "python3", "python3.13"} {
		if exec.Command(p, "-c", "import "+module).Run() == nil {
			return p
		}
	}
	require.Missing(t, "python", "no Python 3 here has the module "+module)
	return ""
}

// runPython runs testdata/MODULE.py with arguments and returns what it prints.
func runPython(t testing.TB, python, program, stdin string, args ...string) string {
	t.Helper()
	return run(t, stdin, python, append([]string{filepath.Join("testdata", program)}, args...)...)
}

// BenchmarkSummary summarizes databases written by Python's own modules, and
// shows what these need to read the same file: python-ns/entry.
func BenchmarkSummary(b *testing.B) {
	for _, m := range pythonModules {
		for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("format=%s/entries=%d", m.name, n), func(b *testing.B) {
				python := python(b, m.module)
				path := filepath.Join(b.TempDir(), m.file)
				runPython(b, python, "fill.py", "", m.module, path, strconv.Itoa(n))
				out := runPython(b, python, "read.py", "", m.module, path)
				seconds, err := strconv.ParseFloat(strings.Fields(out)[0], 64)
				if err != nil {
					b.Fatal(err)
				}
				benchmarkSummary(b, path, n)
				b.ReportMetric(seconds*1e9/float64(n), "python-ns/entry")
			})
		}
	}
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("format=embedded/entries=%d", n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "comet.broker_test")
			writeEvents(b, path, n)
			benchmarkSummary(b, path, n)
		})
	}
}

func benchmarkSummary(b *testing.B, path string, n int) {
	time.Sleep(2 * clockTick) // what was written just now is waited for
	b.ReportAllocs()
	for b.Loop() {
		db, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		s, err := db.Summary(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if s.Entries != n {
			b.Fatalf("%d entries, want %d", s.Entries, n)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/entry")
}

// writeEvents writes a database as the embedded broker does.
func writeEvents(t testing.TB, path string, n int) {
	t.Helper()
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if _, err := w.Put(fmt.Appendf(nil, "%040x", uint64(i)*0x9e3779b97f4a7c15),
			fmt.Appendf(nil, "1795443440.%07d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkRun summarizes a run's two databases, of 10,000 events each.
func BenchmarkRun(b *testing.B) {
	dir := b.TempDir()
	for _, name := range []string{"broker", "subscriber"} {
		writeEvents(b, filepath.Join(dir, name), 10_000)
	}
	time.Sleep(2 * clockTick)
	for b.Loop() {
		for _, name := range []string{"broker", "subscriber"} {
			db, err := Open(filepath.Join(dir, name))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := db.Summary(b.Context()); err != nil {
				b.Fatal(err)
			}
			db.Close()
		}
	}
}
