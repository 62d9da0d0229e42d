package compare

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/paired"
)

// later is an input of rounds that were made after others, in which both sides take
// times as long.
func later(times float64) Input {
	in := world{cells: []matrix.Cell{fast}, rounds: 6, noise: 0.02, change: func(_ int, r *Round) {
		for _, p := range r.Pairs {
			for _, batch := range []paired.Batch{p.Old, p.New} {
				for w := range batch {
					batch[w] = time.Duration(times * float64(batch[w]))
				}
			}
		}
	}}.input()
	in.Rounds = slices.DeleteFunc(in.Rounds, func(r Round) bool { return r.Equals })
	in.New.Name = "comet-3.2.0"
	in.Started = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	return in
}

func TestJudgeStored(t *testing.T) {
	stored := Judge(later(1), Options{}).Document()
	losing := later(1)
	losing.Rounds[2].Counts[New].Acked--
	for _, tt := range []struct {
		name string
		in   Input
		want Outcome
	}{
		{"equals", later(1), NoRegression},
		{"slower", later(1.2), Regression},
		{"faster", later(0.8), NoRegression},
		{"losing", losing, Regression},
	} {
		v := JudgeStored(stored, tt.in, Options{})
		var text strings.Builder
		if err := v.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		words := strings.Join(strings.Fields(text.String()), " ")
		if v.Outcome != tt.want || !strings.Contains(words, "stored ones, of 2026-11-25 12:00 UTC") {
			t.Errorf("%s: got %q, want %q:\n%s", tt.name, v.Outcome, tt.want, &text)
		}
	}
	broken := later(1)
	for i := range broken.Rounds[:voidInTurn] {
		broken.Rounds[i].Void, broken.Rounds[i].At = "not ready after 25s", []Side{New}
	}
	if v := JudgeStored(stored, broken, Options{}); v.Outcome != Unknown {
		t.Errorf("a broker that doesn't start: got %q, want %q", v.Outcome, Unknown)
	}
	few := later(1)
	few.Rounds = few.Rounds[:paired.MinRounds-1]
	if v := JudgeStored(stored, few, Options{}); v.Outcome != Unknown {
		t.Errorf("few rounds: got %q, want %q", v.Outcome, Unknown)
	}
}

func TestComparable(t *testing.T) {
	stored := Judge(later(1), Options{}).Document()
	for _, tt := range []struct {
		name   string
		change func(*Input)
		want   string
	}{
		{"the same", func(*Input) {}, ""},
		{"kernel", func(in *Input) { in.Config = []results.ConfigLine{{Key: "kernel", Value: "6.2"}} },
			`kernel was "6.1", is "6.2"`},
		{"no kernel", func(in *Input) { in.Config = nil }, `kernel was "6.1", is ""`},
		{"engine", func(in *Input) {
			in.Config = append(in.Config, results.ConfigLine{Key: "engine", Value: "docker"})
		}, `engine was "", is "docker"`},
		{"Python", func(in *Input) { in.New.Software.Python = "3.14.0" }, `Python was "", is "3.14.0"`},
		{"another release of Comet", func(in *Input) { in.New.Software.Comet = "4.0.0" }, ""},
		{"cell", func(in *Input) { in.Cells = []matrix.Cell{bound} },
			"it has 0 rounds of latency=10ms/conns=8, want 4"},
	} {
		in := later(1)
		tt.change(&in)
		switch err := Comparable(stored, in); {
		case err == nil && tt.want != "":
			t.Errorf("%s: got no error, want %q", tt.name, tt.want)
		case err != nil && (tt.want == "" || !errors.Is(err, ErrStored) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
