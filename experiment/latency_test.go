package experiment

import (
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/netem"
)

func delayed(latency time.Duration) *Experiment {
	return &Experiment{cell: matrix.Cell{Latency: latency}}
}

func TestJudgeFastest(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		latency, fastest time.Duration
		ok               bool
	}{
		{0, 0, true},
		{10 * ms, 20 * ms, true},
		{10 * ms, 21 * ms, true},
		{10 * ms, 19 * ms, false},
		{10 * ms, 10 * ms, false}, // one way wasn't delayed
		{10 * ms, ms, false},
	} {
		if err := judgeFastest(test.fastest, test.latency, 2); (err == nil) != test.ok {
			t.Errorf("an event in %v, with %v one way: %v", test.fastest, test.latency, err)
		}
	}
}

func TestJudgeDelay(t *testing.T) {
	const us = time.Microsecond
	late := func(by time.Duration) netem.Histogram {
		return netem.Histogram{Counts: []uint64{4}, Sum: 4 * by, Max: by}
	}
	for _, test := range []struct {
		name          string
		stats         netem.Stats
		void, warning string
	}{
		{"exact", netem.Stats{Lateness: late(50 * us)}, "", ""},
		{"the kernel's", netem.Stats{}, "", ""},
		{"dropped", netem.Stats{Drops: 2}, "dropped 2 packets", ""},
		{"clock set", netem.Stats{ClockSteps: 1}, "clock was set", ""},
		{"late", netem.Stats{Lateness: late(400 * us)}, "", "held for 400µs longer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := delayed(10 * time.Millisecond)
			err := x.judgeDelay(test.stats)
			if (err == nil) != (test.void == "") || err != nil && !strings.Contains(err.Error(), test.void) {
				t.Errorf("got the error %v, want %q", err, test.void)
			}
			said := strings.Join(x.run.Warnings, "\n")
			if (said == "") != (test.warning == "") || !strings.Contains(said, test.warning) {
				t.Errorf("got the warning %q, want %q", said, test.warning)
			}
			if err == nil && x.run.Lateness != test.stats.Lateness.Mean() {
				t.Errorf("the run has a lateness of %v", x.run.Lateness)
			}
		})
	}
}
