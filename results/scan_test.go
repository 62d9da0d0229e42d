package results

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/internal/golden"
	"cometbench/matrix"
)

func TestAggregate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broker func(string) string
		stored bool
		o      Options
	}{
		{"brokers.json", same, true, Options{}},
		{"brokers-paper.json", same, true, Options{Paper: true}},
		{"original.json", func(string) string { return "" }, false, Options{}},
		{"original-paper.json", func(string) string { return "" }, false, Options{Paper: true}},
	} {
		set, err := Load(t.Context(), madeTree(t, tt.broker, tt.stored), tt.o)
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Warnings) > 0 {
			t.Errorf("%s: warnings %q", tt.name, set.Warnings)
		}
		var b bytes.Buffer
		if err := set.WriteJSON(&b, false); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, tt.name, b.Bytes())

		// What was written reads back as the same summaries.
		again, err := Read(&b, tt.name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range again.Cells {
			got, want := again.Cells[i], set.Cells[i]
			got.Cell.Events = want.Cell.Events
			if len(again.Brokers()) == 1 {
				got.Cell.Broker = want.Cell.Broker
			}
			if got.Cell != want.Cell || got.Rates != want.Rates || got.Missing != want.Missing {
				t.Errorf("%s: read back %+v, want %+v", tt.name, got, want)
			}
		}
	}
}

// Worked out by hand: 40 events; the author took 100 ms both times and got 40
// and 38 acks. The broker's times span 80 ms, and of the second run, which holds
// 39, 38/39 of it (77.949 ms). The subscriber's 40 and 30 both span 50 ms.
func TestRatesByHand(t *testing.T) {
	dir := t.TempDir()
	cell := matrix.Cell{Broker: "b", Conns: 4, Events: 40}
	madeRun{cell: cell, acked: 40, elapsed: 100 * time.Millisecond, broker: spread(40, 0.08),
		subscriber: spread(40, 0.05)}.write(t, dir, 1)
	madeRun{cell: cell, acked: 38, elapsed: 100 * time.Millisecond, broker: spread(40, 0.08)[:39],
		subscriber: spread(30, 0.05)}.write(t, dir, 2)
	for _, tt := range []struct {
		paper bool
		want  [3]Rates
	}{
		{false, [3]Rates{{380, 400, 390, 10}, {500, 500.329, 500.1645, 0.1645}, {600, 800, 700, 100}}},
		{true, [3]Rates{{400, 400, 400, 0}, {500, 513.1579, 506.5789, 6.5789}, {800, 800, 800, 0}}},
	} {
		set, err := Load(t.Context(), dir, Options{Paper: tt.paper})
		if err != nil {
			t.Fatal(err)
		}
		m := set.Cells[0]
		for _, r := range Roles() {
			got, want := m.Rates[r], tt.want[r]
			for i, g := range []float64{got.Min, got.Max, got.Mean, got.Std} {
				w := []float64{want.Min, want.Max, want.Mean, want.Std}[i]
				if math.Abs(g-w) > 0.01 {
					t.Errorf("paper %v, %s: %+v, want %+v", tt.paper, r, got, want)
					break
				}
			}
		}
		if m.Missing != 10 {
			t.Errorf("missing %d, want 10", m.Missing)
		}
	}
}

func TestSummarize(t *testing.T) {
	// Mean 5, squares of the differences 9+1+1+1+0+0+4+16 = 32, over 8: 4.
	if got, want := Summarize([]float64{2, 4, 4, 4, 5, 5, 7, 9}), (Rates{2, 9, 5, 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := Summarize(nil); got != (Rates{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

// Everything that can be wrong with a tree is named, and what is right is
// read.
func TestBrokenTree(t *testing.T) {
	cell := matrix.Cell{Broker: "b", Latency: 100 * time.Millisecond, Conns: 8, Events: 40}
	fine := madeRun{cell: cell, stored: true, acked: 40, elapsed: 100 * time.Millisecond, broker: spread(40, 0.09),
		subscriber: spread(40, 0.09)}
	const run = "b/100ms/8c/run2"
	change := func(f func(*Run)) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			name := filepath.Join(dir, run, RunFile)
			r, err := readRun(name)
			if err != nil {
				t.Fatal(err)
			}
			f(r)
			writeJSON(t, name, r)
		}
	}
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			name := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name    string
		breakIt func(*testing.T, string)
		path    string
		message string
		foreign bool
		runs    int
	}{
		{"no log", remove(run + "/author.log"), run + "/author.log", "no such file", false, 1},
		{"no database", remove(run + "/subscriber.db"), run + "/subscriber.db", "does not exist", false, 1},
		{"empty log", write(run+"/author.log", ""), run + "/author.log", "last two lines", false, 1},
		{"unfinished log", write(run+"/author.log", "a\nb\n"), run + "/author.log", "Total reactor running time",
			false, 1},
		{"no database file", write(run+"/broker.db", "not a database"), run + "/broker.db", "", false, 1},
		{"half a run.json", write(run+"/run.json", `{"cell":`), run + "/run.json", "unexpected end", false, 1},
		{"another time", change(func(r *Run) { r.Author.Elapsed++; r.Author.Elapsed += time.Millisecond }), run,
			"run.json says that the author took", false, 1},
		{"other counts", change(func(r *Run) { r.Author.Acked-- }), run, "run.json says 40 events sent, 39 acked",
			false, 1},
		{"another database", change(func(r *Run) { r.Broker.Entries++ }), run, "broker.db holds 40 entries", false, 1},
		{"another cell", change(func(r *Run) { r.Cell.Conns = 9 }), run, "another cell's folder", false, 1},
		{"void", change(func(r *Run) { r.Void = "the broker died" }), run + "/run.json",
			"the run is void (the broker died): want it in a folder void2", false, 1},
		{"void without a reason", write("b/100ms/8c/void1/run.json", "{}"), "b/100ms/8c/void1/run.json",
			"want the reason", false, 2},
		{"void without run.json", write("b/100ms/8c/void1/author.log", ""), "b/100ms/8c/void1/run.json",
			"does not exist", false, 2},
		{"foreign file in a run", write(run+"/notes.txt", ""), run + "/notes.txt", "not part of a tree", true, 2},
		{"foreign file", write("README", ""), "README", "not part of a tree", true, 2},
		{"foreign folder", write("figures/a.svg", ""), "figures", "no latency's folder", true, 2},
		{"foreign latency", write("b/fast/x", ""), "b/fast", "want a latency's folder", true, 2},
		{"foreign run", write("b/100ms/8c/run02/x", ""), "b/100ms/8c/run02", "want a run's folder", true, 2},
		{"runs in a foreign latency", write("b/fast/8c/run1/author.log", ""), "b/fast",
			"b/fast/8c/run1/author.log is left out: want a latency's folder", false, 2},
		{"runs without a latency", write("c/8c/run1/author.log", ""), "c",
			"c/8c/run1/author.log is left out: it holds no latency's folder", false, 2},
		{"runs of a foreign name", write("b/100ms/8c/run02/author.log", ""), "b/100ms/8c/run02",
			"author.log is left out: want a run's folder", false, 2},
		{"empty run", func(t *testing.T, dir string) {
			if err := os.MkdirAll(filepath.Join(dir, "b/100ms/8c/run3"), 0o777); err != nil {
				t.Fatal(err)
			}
		}, "b/100ms/8c/run3/author.log", "no such file", false, 2},
		{"staging", write(".staging-12/author.log", ""), "", "", false, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			fine.write(t, dir, 1)
			fine.write(t, dir, 2)
			tt.breakIt(t, dir)
			runs, found := 0, tt.path == ""
			for f, err := range Scan(t.Context(), dir) {
				if err == nil {
					runs++
					if f.Run == nil || f.Path == "" {
						t.Errorf("found %+v", f)
					}
					continue
				}
				var pe *fs.PathError
				if !errors.As(err, &pe) {
					t.Fatalf("%v is no *fs.PathError", err)
				}
				if pe.Path == filepath.Join(dir, tt.path) && strings.Contains(err.Error(), tt.message) &&
					errors.Is(err, ErrForeign) == tt.foreign {
					found = true
				} else if tt.name != "empty run" {
					t.Errorf("also: %v", err)
				}
			}
			if runs != tt.runs || !found {
				t.Errorf("%d runs, want %d; found the error: %v", runs, tt.runs, found)
			}
			set, err := Load(t.Context(), dir, Options{})
			if set == nil || len(set.Cells) != 1 || len(set.Cells[0].Runs) != tt.runs {
				t.Fatalf("Load = %+v, %v", set, err)
			}
			if broken := tt.path != "" && !tt.foreign; (err != nil) != broken {
				t.Errorf("Load: %v, want an error: %v", err, broken)
			}
			if (len(set.Warnings) > 0) != tt.foreign {
				t.Errorf("warnings %q", set.Warnings)
			}
		})
	}
}

// A tree's void runs are in its set, with their reasons, and no run of a cell.
func TestVoid(t *testing.T) {
	tree := Tree{t.TempDir()}
	cell := matrix.Cell{Broker: "b", Latency: 100 * time.Millisecond, Conns: 8, Events: 40}
	commit := func(void string) {
		s := stage(t, tree)
		if _, err := s.Commit(&Run{Cell: cell, Void: void, Started: epoch}); err != nil {
			t.Fatal(err)
		}
		if err := s.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	commit("the broker died")
	if _, err := Load(t.Context(), tree.Dir, Options{}); err == nil ||
		!strings.Contains(err.Error(), "b/100ms/8c/void1: the run of 2026-11-24 09:00 UTC is void: the broker died") {
		t.Errorf("only a void run: %v", err)
	}
	madeRun{cell: cell, acked: 40, elapsed: time.Second, broker: spread(40, 1), subscriber: spread(40, 1)}.write(t,
		tree.Dir, 1)
	set, err := Load(t.Context(), tree.Dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := VoidRun{cell, "b/100ms/8c/void1", epoch, "the broker died"}
	if len(set.Cells) != 1 || len(set.Cells[0].Runs) != 1 || len(set.Void) != 1 || set.Void[0] != want {
		t.Errorf("%+v, want one run, and void %v", set, want)
	}
	var warnings []string
	if err := WriteBenchmark(t.Context(), new(bytes.Buffer), tree.Dir, Options{},
		func(s string) { warnings = append(warnings, s) }); err != nil ||
		!slices.Equal(warnings, []string{want.String()}) {
		t.Errorf("WriteBenchmark: %v, warnings %q, want %q", err, warnings, want)
	}
}

// The original experiment's runs may begin with run0.
func TestRunZero(t *testing.T) {
	dir := t.TempDir()
	m := madeRun{cell: matrix.Cell{Conns: 8, Events: 40}, acked: 40, elapsed: time.Second, broker: spread(40, 1),
		subscriber: spread(40, 1)}
	m.write(t, dir, 1)
	m.write(t, dir, 0)
	set, err := Load(t.Context(), dir, Options{})
	if err != nil || len(set.Warnings) > 0 || len(set.Cells[0].Runs) != 2 ||
		set.Cells[0].Runs[0].Name != "0ms/8c/run0" {
		t.Errorf("%+v, %v, want run0 and run1", set, err)
	}
}

func TestStale(t *testing.T) {
	dir := t.TempDir()
	cell := matrix.Cell{Latency: 200 * time.Millisecond, Conns: 2, Events: 40}
	madeRun{cell: cell, acked: 40, elapsed: time.Second, broker: spread(80, 2), subscriber: spread(80, 2)}.write(t,
		dir, 1)
	if _, err := Load(t.Context(), dir, Options{}); err == nil ||
		!strings.Contains(err.Error(), "200ms/2c/run1: a database holds 80 entries, 40 events were sent") {
		t.Errorf("only a stale run: %v", err)
	}
	madeRun{cell: cell, acked: 40, elapsed: time.Second, broker: spread(40, 1), subscriber: spread(40, 1)}.write(t,
		dir, 2)
	set, err := Load(t.Context(), dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "200ms/2c/run1: a database holds 80 entries, 40 events were sent") {
		t.Errorf("a stale run that is left out: %v", err)
	}
	if m := set.Cells[0]; len(m.Runs) != 1 || m.Missing != 0 || len(m.Warnings) != 0 {
		t.Errorf("%+v", m)
	}
	set, err = Load(t.Context(), dir, Options{Stale: true})
	if err != nil {
		t.Fatal(err)
	}
	if m := set.Cells[0]; len(m.Runs) != 2 || m.Missing != -40 || len(m.Warnings) != 1 {
		t.Errorf("%+v", m)
	}
}

func TestScanEnds(t *testing.T) {
	dir := madeTree(t, same, true)
	for range Scan(t.Context(), dir) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range Scan(ctx, dir) {
		cancel()
		n++
		last = err
	}
	if n > 36 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d results after a cancelled context, last error %v", n, last)
	}
	if _, err := Load(ctx, dir, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Load with a cancelled context: %v", err)
	}
	for _, dir := range []string{t.TempDir(), filepath.Join(dir, "nothing")} {
		if set, err := Load(t.Context(), dir, Options{}); err == nil {
			t.Errorf("Load(%s) = %+v", dir, set)
		}
	}
}
