package campaign

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/eventdb"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/subject"
)

const (
	events = 40
	fast   = "a fast CPU"
	slow   = "a slow CPU"
)

var epoch = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// at is a cell of a broker.
func at(latency, conns int) matrix.Cell {
	return matrix.Cell{Broker: "comet-3.1.0", Latency: time.Duration(latency) * time.Millisecond, Conns: conns,
		Events: events}
}

// keep adds a run of the cell to a tree. No two begin at the same time, and none
// lasts longer than the delay and a service time of 1 ms of the fast CPU, 2 ms of
// the slow one.
func keep(t *testing.T, tree string, c matrix.Cell, cpu string, begun int, change ...func(*results.Run)) {
	t.Helper()
	service := time.Millisecond
	if cpu == slow {
		service *= 2
	}
	rtt := c.Latency
	run := &results.Run{
		Cell: c, Started: epoch.Add(time.Duration(begun) * time.Second), Netem: "kernel", RTT: rtt,
		Software: subject.Software{Comet: "3.1.0", Python: "3.11.2"},
		Machine:  results.Machine{CPU: cpu, Cores: 2, Kernel: "6.1.0"},
		Author: results.Author{Sent: events, Acked: events,
			Elapsed: time.Duration((events+c.Conns-1)/c.Conns) * (2*rtt + service)},
	}
	for _, do := range change {
		do(run)
	}
	staging, err := results.Tree{Dir: tree}.Stage()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := staging.Discard(); err != nil {
			t.Error(err)
		}
	}()
	log := strings.Repeat("2026-11-24 09:00:00+0000 [-] an event is done\n", 40) + fmt.Sprintf(
		"2026-11-24 09:00:00+0000 [-] Total reactor running time: %fs\n"+
			"2026-11-24 09:00:00+0000 [-] 0/%d/0 messages queued/sent/failed\n", run.Author.Elapsed.Seconds(), events)
	if err := os.WriteFile(filepath.Join(staging.Dir, results.LogFile), []byte(log), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, database := range map[string]*results.Database{
		results.BrokerFile: &run.Broker, results.SubscriberFile: &run.Subscriber,
	} {
		w, err := eventdb.Create(filepath.Join(staging.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for i := range events {
			when := float64(run.Started.Unix()) + float64(i)*run.Author.Elapsed.Seconds()/events
			if _, err := w.Put(fmt.Appendf(nil, "%040x", i), fmt.Appendf(nil, "%.6f", when)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if *database, err = results.ReadDatabase(t.Context(), filepath.Join(staging.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := staging.Commit(run); err != nil {
		t.Fatal(err)
	}
}

// runs returns the folders of a tree's runs, void ones included.
func runs(t *testing.T, dir string) []string {
	t.Helper()
	found, err := fs.Glob(os.DirFS(dir), "*/*/*/*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// shards makes the trees of a plan of two cells, whose runs are whole.
func shards(t *testing.T) (trees []string, plan Plan) {
	t.Helper()
	plan = New([]matrix.Cell{at(0, 1), at(100, 4)}, 2, 2)
	plan.Arguments = []string{"-broker=comet-3.1.0", "-latency=0,100ms", "-bench=Throughput|x"}
	begun := 0
	for shard := 1; shard <= 2; shard++ {
		dir := filepath.Join(t.TempDir(), fmt.Sprint("shard", shard))
		for _, c := range plan.Of(shard).Share() {
			for range plan.Count {
				begun++
				keep(t, dir, c, fast, begun)
			}
		}
		if err := plan.Of(shard).Write(dir); err != nil {
			t.Fatal(err)
		}
		trees = append(trees, dir)
	}
	return trees, plan
}

// TestMerge: shards make the whole tree, given once or twice, and a merged tree
// can be merged.
func TestMerge(t *testing.T) {
	trees, plan := shards(t)
	to := filepath.Join(t.TempDir(), "new", "all")
	merged, err := Merge(t.Context(), to, trees[0], trees[1], trees[0])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"comet-3.1.0/0ms/1c/run1", "comet-3.1.0/0ms/1c/run2", "comet-3.1.0/100ms/4c/run1",
		"comet-3.1.0/100ms/4c/run2"}
	if got := runs(t, to); !slices.Equal(got, want) || merged.Runs != 4 || merged.Twice != 2 ||
		len(merged.Missing)+len(merged.Groups) > 0 {
		t.Errorf("got %s, %+v, want %s", got, merged, want)
	}
	if got, err := Read(to); err != nil || !reflect.DeepEqual(*got, plan) {
		t.Errorf("the plan is %+v, %v, want %+v", got, err, plan)
	}
	set, err := results.Load(t.Context(), to, results.Options{})
	if err != nil || len(set.Warnings) > 0 {
		t.Errorf("%+v, %v", set, err)
	}
	again, err := Merge(t.Context(), filepath.Join(t.TempDir(), "again"), to, trees[0], trees[1])
	if err != nil || again.Runs != 4 || again.Twice != 4 {
		t.Errorf("merged again: %+v, %v", again, err)
	}
	if _, err := Merge(t.Context(), to, trees...); err == nil || !strings.Contains(err.Error(), "holds something") {
		t.Errorf("a folder with a tree is overwritten: %v", err)
	}
	for f, err := range results.Scan(t.Context(), to) {
		if err != nil {
			t.Fatal(err)
		}
		// The shard with latency had no cell to measure the service time in.
		if want := f.Run.Cell.Latency / 100; f.Run.Service != want {
			t.Errorf("%s: service time %v, want %v", f.Path, f.Run.Service, want)
		}
	}
}

func TestMergeMissing(t *testing.T) {
	trees, plan := shards(t)
	of := make(map[time.Duration]int) // shards by latency
	for _, c := range plan.Cells {
		of[c.Latency] = c.Shard
	}
	lacking := trees[of[100*time.Millisecond]-1]
	if err := os.RemoveAll(filepath.Join(lacking, "comet-3.1.0/100ms/4c/run1")); err != nil {
		t.Fatal(err)
	}
	keep(t, lacking, at(100, 4), fast, 9, func(r *results.Run) { r.Void = "the broker died" })
	for _, tt := range []struct {
		trees []string
		cells []Missing
		tree  string
	}{
		{trees, []Missing{{plan.Cells[1], 1}}, lacking},
		{slices.DeleteFunc(slices.Clone(trees), func(dir string) bool { return dir == lacking }),
			[]Missing{{plan.Cells[1], 2}}, fmt.Sprint("shard", plan.Cells[1].Shard)},
	} {
		merged, err := Merge(t.Context(), filepath.Join(t.TempDir(), "all"), tt.trees...)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(merged.Missing, tt.cells) {
			t.Errorf("%+v are missing, want %+v", merged.Missing, tt.cells)
		}
		want := fmt.Sprintf("go test '-run=^$' '-bench=Throughput|x' -count=2 . -broker=comet-3.1.0 -latency=0,100ms "+
			"-shard=%d/2 -results=%s -resume", plan.Cells[1].Shard, tt.tree)
		if got := merged.Commands(); len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMergeRefused(t *testing.T) {
	change := func(t *testing.T, name, from, to string) {
		t.Helper()
		text, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, []byte(strings.ReplaceAll(string(text), from, to)), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	made, plan := shards(t)
	for _, tt := range []struct {
		name string
		// prepare changes what is merged: two shards, and a copy of the first.
		prepare func(t *testing.T, trees []string, plan Plan, copied string)
		want    string
	}{
		{"run.json differs", func(t *testing.T, _ []string, _ Plan, copied string) {
			change(t, filepath.Join(copied, "run1", results.RunFile), `"kernel": "6.1.0"`, `"kernel": "6.2.0"`)
		}, "should be the same run, and differ: run.json"},
		{"a file differs", func(t *testing.T, _ []string, _ Plan, copied string) {
			change(t, filepath.Join(copied, "run1", results.LogFile), "an event is", "one event is")
		}, "should be the same run, and differ: author.log"},
		{"begun at another time", func(t *testing.T, _ []string, _ Plan, copied string) {
			change(t, filepath.Join(copied, "run1", results.RunFile), `"started": "2026`, `"started": "2025`)
		}, "should be the same run, and differ: run.json"},
		{"made twice", func(t *testing.T, trees []string, plan Plan, copied string) {
			shard := filepath.Dir(filepath.Dir(filepath.Dir(copied)))
			if err := os.RemoveAll(filepath.Dir(filepath.Dir(copied))); err != nil {
				t.Fatal(err)
			}
			keep(t, shard, plan.Of(1).Share()[0], fast, 99)
		}, "are different runs of a cell of which there are 3, and 2 are planned"},
		{"another plan", func(t *testing.T, trees []string, plan Plan, _ string) {
			plan.Count = 3
			if err := plan.Of(2).Write(trees[1]); err != nil {
				t.Fatal(err)
			}
		}, "are of different plans: count: 3, not 2"},
		{"other software", func(t *testing.T, trees []string, _ Plan, _ string) {
			keep(t, trees[1], at(200, 1), fast, 99, func(r *results.Run) { r.Software.Python = "3.12.0" })
		}, "are not of the same broker: software: Comet 3.1.0, Python 3.12.0, not Comet 3.1.0, Python 3.11.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			trees := []string{filepath.Join(dir, "1"), filepath.Join(dir, "2")}
			copied := filepath.Join(dir, "copy")
			for to, from := range map[string]string{trees[0]: made[0], trees[1]: made[1], copied: made[0]} {
				if err := os.CopyFS(to, os.DirFS(from)); err != nil {
					t.Fatal(err)
				}
			}
			first := plan.Of(1).Share()[0]
			tt.prepare(t, trees, plan, filepath.Join(copied, filepath.FromSlash(first.Dir())))
			to := filepath.Join(t.TempDir(), "all")
			_, err := Merge(t.Context(), to, append(trees, copied)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), dir) != 2 {
				t.Errorf("got %v, want both names and %q", err, tt.want)
			}
			if left, err := filepath.Glob(filepath.Join(filepath.Dir(to), "*")); len(left) > 0 || err != nil {
				t.Errorf("it has left %q, %v", left, err)
			}
		})
	}
}

// TestMergeApart: runs between two machines are in no mean with those of one, although
// latency bounds both.
func TestMergeApart(t *testing.T) {
	trees := []string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")}
	keep(t, trees[0], at(100, 4), fast, 0)
	keep(t, trees[1], at(100, 4), fast, 10, func(r *results.Run) {
		r.AuthorMachine = &results.Machine{Engine: "docker 28, context lab"}
	})
	merged, err := Merge(t.Context(), filepath.Join(t.TempDir(), "all"), trees...)
	if err != nil {
		t.Fatal(err)
	}
	if len(merged.Groups) != 1 || merged.Groups[0].Pooled != 0 || len(merged.Groups[0].Kinds) != 2 {
		t.Errorf("got %+v, want one broker with two kinds, and nothing pooled", merged.Groups)
	}
}

// TestMergeMachines: what a machine bounds is never in one mean, nor under one
// label, with another kind's; what latency bounds is.
func TestMergeMachines(t *testing.T) {
	trees := []string{filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")}
	open := at(100, 8)
	open.Rate = 50
	saturated := func(r *results.Run) { r.Author.Elapsed *= 2 }
	for i, cpu := range []string{fast, slow} {
		for n := range 3 {
			begun := 100*i + 10*n
			keep(t, trees[i], at(0, 1), cpu, begun)
			keep(t, trees[i], at(100, 4), cpu, begun+1)
			keep(t, trees[i], at(100, 40), cpu, begun+2, saturated)
			keep(t, trees[i], open, cpu, begun+3)
		}
	}
	keep(t, trees[1], at(0, 8), slow, 1000)
	to := filepath.Join(t.TempDir(), "all")
	merged, err := Merge(t.Context(), to, trees...)
	if err != nil {
		t.Fatal(err)
	}
	if len(merged.Groups) != 1 || merged.Groups[0].Pooled != 1 || len(merged.Groups[0].Kinds) != 2 {
		t.Fatalf("got %+v, want one broker with two kinds and one pooled cell", merged.Groups)
	}
	set, err := results.Load(t.Context(), to, results.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range merged.Groups[0].Kinds {
		cells := map[string]int{"0ms/1c": 3, "100ms/40c": 3, "100ms/8c-50r": 3}
		if strings.Contains(kind.Machine, slow) {
			cells["0ms/8c"] = 1
		}
		if kind.Cells != len(cells) {
			t.Errorf("%+v, want %d cells", kind, len(cells))
		}
		for _, m := range set.Cells {
			if m.Cell.Broker != kind.Label {
				continue
			}
			if _, dir, _ := strings.Cut(m.Cell.Dir(), "/"); cells[dir] != len(m.Runs) {
				t.Errorf("%s has %d runs, want %d", m.Cell, len(m.Runs), cells[dir])
			}
		}
	}
	pooled := set.Find("comet-3.1.0", 100*time.Millisecond, 4)
	if pooled == nil || len(pooled.Runs) != 6 || len(pooled.Warnings) != 1 ||
		!strings.Contains(pooled.Warnings[0], "pooled from 2 kinds of machine") {
		t.Errorf("got %+v, want 6 runs pooled, and that it says so", pooled)
	}
	if brokers := set.Brokers(); len(brokers) != 3 {
		t.Errorf("got the brokers %q, want one pooled and two kinds", brokers)
	}
	again, err := Merge(t.Context(), filepath.Join(t.TempDir(), "again"), to, trees[0])
	if err != nil || again.Runs != 25 || again.Twice != 12 || !reflect.DeepEqual(again.Groups, merged.Groups) {
		t.Errorf("merged again: %+v, %v", again, err)
	}
	one, err := Merge(t.Context(), filepath.Join(t.TempDir(), "one"), trees[0])
	if err != nil || len(one.Groups) > 0 || one.Runs != 12 {
		t.Errorf("one machine: %+v, %v", one, err)
	}
}
