package judge

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/internal/golden"
	"cometbench/matrix"
	"cometbench/results"
)

// The paper's own table: 283.7 events/s on one connection without latency, a
// peak of 519.2 at 64, "over 500 events per second" without special tuning.
func TestPaper(t *testing.T) {
	paper, err := Paper()
	if err != nil {
		t.Fatal(err)
	}
	if len(paper.Cells) != 60 {
		t.Fatalf("%d cells, want 60", len(paper.Cells))
	}
	r := Judge(paper, Options{Paper: paper})
	theory := r.Brokers[0].Theory
	if ms := theory.Service.Seconds() * 1e3; ms < 3.5 || ms > 4 {
		t.Errorf("t = %.2f ms, want 3.5 to 4", ms)
	}
	if ms := theory.Delayed.Seconds() * 1e3; ms < 4 || ms > 5 {
		t.Errorf("t with latency = %.2f ms, want 4 to 5", ms)
	}
	if s := theory.Saturation; s < 480 || s > 520 {
		t.Errorf("saturation = %.1f events/s, want about 500", s)
	}
	if math.Abs(theory.Peak-519.2) > 0.05 || theory.At.Conns != 64 || theory.At.Latency != 0 {
		t.Errorf("peak = %.1f at %v, want 519.2 at 64 connections without latency", theory.Peak, theory.At)
	}
	if k := theory.Knee(100 * time.Millisecond); k < 95 || k > 108 {
		t.Errorf("knee at 100 ms = %.0f connections, want about 100", k)
	}
	if out := r.Outside(); len(out) > 0 {
		t.Errorf("outside their band: %v", out)
	}
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "paper.txt", []byte(b.String()))
}

// made returns a cell whose runs have the author's rates given.
func made(latency time.Duration, conns int, rates ...float64) results.CellRuns {
	m := results.CellRuns{Cell: matrix.Cell{Broker: "b", Latency: latency, Conns: conns, Events: 10000}}
	for i, r := range rates {
		m.Runs = append(m.Runs, results.RunFigures{Name: "run" + string(rune('A'+i%26)), Number: i + 1,
			Rates: [3]float64{r, r, r}})
	}
	m.Rates[results.RoleAuthor] = results.Summarize(rates)
	return m
}

const ms = time.Millisecond

func TestOutside(t *testing.T) {
	// A broker of t = 1 ms that saturates at 2,000 events/s.
	fine := []results.CellRuns{made(0, 1, 1000), made(0, 8, 2000), made(0, 64, 1950), made(10*ms, 8, 380),
		made(10*ms, 64, 1900)}
	for _, tt := range []struct {
		name    string
		cells   []results.CellRuns
		out     int
		finding string
	}{
		{"fine", fine, 0, ""},
		{"one round trip hidden", append(fine[:3:3], made(10*ms, 8, 727)), 1,
			"1.9 times theory: only one of the two round trips was delayed"},
		{"no delay", append(fine[:3:3], made(100*ms, 8, 1900)), 1, "above theory (was the delay in force?)"},
		{"slow", append(fine[:3:3], made(100*ms, 8, 30)), 1, "25 % below theory"},
		{"nothing acked", append(fine[:3:3], made(100*ms, 8, 0)), 1, "no event was acked"},
		{"saturated and slow", append(fine[:3:3], made(10*ms, 512, 1400)), 0, "29 % below the plateau"},
		{"slow and alone", []results.CellRuns{made(100*ms, 64, 150), made(100*ms, 8, 39)}, 1, "52 % below theory"},
	} {
		r := Judge(&results.Set{Cells: tt.cells}, Options{})
		if got := len(r.Outside()); got != tt.out {
			t.Errorf("%s: %d cells outside, want %d", tt.name, got, tt.out)
		}
		var all []string
		for _, c := range r.Brokers[0].Cells {
			all = append(all, c.Findings...)
		}
		if text := strings.Join(all, "\n"); (tt.finding == "") != (text == "") || !strings.Contains(text, tt.finding) {
			t.Errorf("%s: findings %q, want %q", tt.name, text, tt.finding)
		}
	}
}

// Few events on many connections leave connections idle in the last round.
func TestEffective(t *testing.T) {
	for _, tt := range []struct {
		events, conns int
		want          float64
	}{{10000, 1, 1}, {200, 64, 50}, {0, 64, 64}, {10, 64, 10}, {10000, 512, 500}} {
		if got := effective(matrix.Cell{Events: tt.events, Conns: tt.conns}); got != tt.want {
			t.Errorf("%d events on %d connections: %v, want %v", tt.events, tt.conns, got, tt.want)
		}
	}
}

// A short run isn't blamed for its start and end: 300 events on 64 connections
// are 5 rounds, in which 51 connections are busy on average if a sixth is lost.
func TestShortRun(t *testing.T) {
	for _, tt := range []struct {
		events int
		rate   float64
		out    int
	}{{300, 2350, 0}, {300, 2000, 1}, {10000, 2350, 1}, {10000, 2790, 0}} {
		short := made(10*ms, 64, tt.rate)
		short.Cell.Events = tt.events
		r := Judge(&results.Set{Cells: []results.CellRuns{made(0, 1, 1500), made(0, 8, 9000), made(0, 64, 9000),
			short}}, Options{})
		if got := len(r.Outside()); got != tt.out {
			t.Errorf("%d events at %v events/s: %d cells outside, want %d", tt.events, tt.rate, got, tt.out)
		}
	}
}

// The measured round trip counts, not the one asked for.
func TestMeasuredRTT(t *testing.T) {
	m := made(10*ms, 8, 363, 364, 363)
	for i := range m.Runs {
		m.Runs[i].RTT = 10*ms + 500*time.Microsecond
	}
	th := Theory{Service: 1 * ms}
	if got, want := th.Rate(&m), 8/0.022; math.Abs(got-want) > 1e-9 {
		t.Errorf("theory = %v, want %v", got, want)
	}
}

func TestStability(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	around := func(n int, mean, sd float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = mean + sd*rng.NormFloat64()
		}
		return v
	}
	steady := around(100, 500, 5)
	falling := around(100, 500, 5)
	for i := range falling {
		falling[i] -= 0.3 * float64(i)
	}
	split := append(around(60, 500, 4), around(40, 450, 4)...)
	rng.Shuffle(len(split), func(i, j int) { split[i], split[j] = split[j], split[i] })
	stray := around(100, 500, 5)
	stray[2] = 300
	for _, tt := range []struct {
		name   string
		values []float64
		want   []string
	}{
		{"steady", steady, nil},
		{"falling", falling, []string{"a trend over the runs: -"}},
		{"split", split, []string{"two modes: 449"}},
		{"stray", stray, []string{"outlying: runC (300.0 events/s)"}},
		{"equal", []float64{500, 500, 500, 500, 500, 500, 500}, nil},
		{"two runs", []float64{500, 510}, nil},
		{"zero", []float64{0, 0, 0, 0, 0, 0}, nil},
	} {
		m := made(0, 64, tt.values...)
		s := stability(&m, results.RoleAuthor, 0.05, newUniform())
		if len(s.Findings) != len(tt.want) {
			t.Errorf("%s: findings %q, want %q", tt.name, s.Findings, tt.want)
			continue
		}
		for i, want := range tt.want {
			if !strings.HasPrefix(s.Findings[i], want) {
				t.Errorf("%s: finding %q, want %q", tt.name, s.Findings[i], want)
			}
		}
	}
	m := made(0, 64, steady...)
	s := stability(&m, results.RoleAuthor, 0.05, newUniform())
	// A spread of 1 % needs t(n-1)·1 %/√n ≤ 1 %: n = 7 (t = 2.447).
	if s.Spread.Value < 0.008 || s.Spread.Value > 0.012 || s.Needed < 5 || s.Needed > 9 ||
		s.Spread.Lo > s.Spread.Value || s.Spread.Hi < s.Spread.Value {
		t.Errorf("spread %v, needed %d", s.Spread, s.Needed)
	}
}

func TestNeeded(t *testing.T) {
	// By hand: t(6) = 2.4469, √7 = 2.6458: 0.925; t(5) = 2.5706, √6 = 2.4495: 1.049.
	for _, tt := range []struct {
		spread float64
		want   int
	}{{0, 2}, {0.01, 7}, {0.1, 387}, {math.NaN(), 0}} {
		if got := needed(tt.spread); got != tt.want {
			t.Errorf("needed(%v) = %d, want %d", tt.spread, got, tt.want)
		}
	}
}

// One unimodal sample in a hundred may look like two modes, not more,
// whichever its shape.
func TestModesFalseAlarms(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	d := newUniform()
	for _, tt := range []struct {
		name string
		draw func() float64
		most float64
	}{
		{"normal", rng.NormFloat64, 0.01},
		{"uniform", rng.Float64, 0.02},
		{"exponential", rng.ExpFloat64, 0.02},
	} {
		for _, n := range []int{6, 10, 100} {
			const trials = 2000
			alarms := 0
			for range trials {
				v := make([]float64, n)
				for i := range v {
					v[i] = tt.draw()
				}
				slices.Sort(v)
				if d.twoModes(v) > 0 {
					alarms++
				}
			}
			if share := float64(alarms) / trials; share > tt.most {
				t.Errorf("%s, %d values: %.1f %% false alarms", tt.name, n, 100*share)
			}
		}
	}
}
