package campaign

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results"
)

// TestShares: whatever the matrix and however many shards, every cell is in one of
// them, in its order, and the same plan comes out again.
func TestShares(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		m := matrix.Matrix{Brokers: []string{"a", "b"}[:1+random.IntN(2)], Events: 1 + random.IntN(20_000)}
		for n := range 1 + random.IntN(6) {
			m.Latencies = append(m.Latencies, time.Duration(n*random.IntN(200))*time.Millisecond+time.Duration(n))
		}
		for n := range 1 + random.IntN(10) {
			m.Conns = append(m.Conns, 1<<n)
		}
		shards := 1 + random.IntN(80)
		plan := New(m.Cells(), 3, shards)
		if again := New(m.Cells(), 3, shards); !reflect.DeepEqual(again, plan) {
			t.Fatalf("two plans of %+v in %d shards differ: %s", m, shards, plan.Difference(again))
		}
		in := make(map[matrix.Cell]int)
		for shard := 1; shard <= shards; shard++ {
			place := 0
			for _, c := range plan.Of(shard).Share() {
				in[c]++
				for place < len(m.Cells()) && m.Cells()[place] != c {
					place++
				}
			}
			if place == len(m.Cells()) {
				t.Errorf("shard %d of %d isn't in the order of %+v", shard, shards, m)
			}
		}
		for _, c := range m.Cells() {
			if in[c] != 1 {
				t.Errorf("%s is in %d of %d shards of %+v, want 1", c, in[c], shards, m)
			}
		}
		if len(in) != len(m.Cells()) {
			t.Errorf("the shards have %d cells, the matrix %d", len(in), len(m.Cells()))
		}
	}
}

// TestBalance: no shard of the paper's matrix takes much longer than it must.
func TestBalance(t *testing.T) {
	m := matrix.Paper()
	m.Brokers = []string{"comet-1.1.0"}
	var all, longest time.Duration
	for _, c := range m.Cells() {
		all += duration(c)
		longest = max(longest, duration(c))
	}
	for shards := 1; shards <= 70; shards++ {
		var slowest time.Duration
		plan := New(m.Cells(), 1, shards)
		for shard := 1; shard <= shards; shard++ {
			var sum time.Duration
			for _, c := range plan.Of(shard).Share() {
				sum += duration(c)
			}
			slowest = max(slowest, sum)
		}
		if least := max(longest, all/time.Duration(shards)); slowest > least*4/3 {
			t.Errorf("%d shards: the slowest takes %v, want at most a third more than %v", shards, slowest, least)
		}
	}
}

func TestPlanFile(t *testing.T) {
	dir := t.TempDir()
	if plan, err := Read(dir); plan != nil || err != nil {
		t.Errorf("got %+v, %v of a tree without a plan", plan, err)
	}
	m := matrix.Paper()
	m.Brokers = []string{"embedded"}
	want := New(m.Cells(), 100, 7).Of(3)
	want.Arguments = []string{"-broker=embedded", "-matrix=paper"}
	for range 2 {
		if err := want.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(dir)
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("beside the plan there is something else: %v, %v", files, err)
	}
}

func TestPlanDifference(t *testing.T) {
	made := func() Plan {
		p := New([]matrix.Cell{{Broker: "b", Conns: 1, Events: 9}, {Broker: "b", Conns: 2, Events: 9}}, 5, 2)
		p.Arguments = []string{"-events=9"}
		return p
	}
	for _, tt := range []struct {
		change func(*Plan)
		want   string
	}{
		{func(p *Plan) { p.Shard = 2 }, ""},
		{func(p *Plan) { p.Shards = 3 }, "shards: 3, not 2"},
		{func(p *Plan) { p.Count = 6 }, "count: 6, not 5"},
		{func(p *Plan) { p.Arguments = nil }, "flags: , not -events=9"},
		{func(p *Plan) { p.Cells = p.Cells[:1] }, "number of cells: 1, not 2"},
		{func(p *Plan) { p.Cells[1].Conns = 3 }, "cell 2: "},
	} {
		p := made()
		tt.change(&p)
		if got := p.Difference(made()); (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// FuzzRead: no text makes a plan that none of ours can be, or a panic.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"shard":1,"shards":2,"count":3,"cells":[{"broker":"b","conns":1,"events":2,"shard":2}]}`))
	f.Add([]byte(`{"shards":0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, results.PlanFile), text, 0o666); err != nil {
			t.Fatal(err)
		}
		plan, err := Read(dir)
		if err != nil {
			return
		}
		sum := 0
		for shard := 1; shard <= min(plan.Shards, 1000); shard++ {
			sum += len(plan.Of(shard).Share())
		}
		if plan.Shards <= 1000 && sum != len(plan.Cells) {
			t.Errorf("the shards have %d cells, want %d", sum, len(plan.Cells))
		}
	})
}
