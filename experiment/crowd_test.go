package experiment

import (
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results"
)

// TestCrowd: a run is measured for 10 s; one other is beside it for 4 s of them,
// another for 2 s of these.
func TestCrowd(t *testing.T) {
	now := time.Unix(1000, 0)
	c := crowd{now: func() time.Time { return now }, members: make(map[*member]bool)}
	pass := func(seconds int) { now = now.Add(time.Duration(seconds) * time.Second) }
	m := c.enter()
	other := c.enter()
	pass(5) // isn't measured
	c.leave(other)
	c.begin(m)
	pass(3)
	first := c.enter()
	pass(1)
	second := c.enter()
	c.begin(second) // another's phase changes nothing
	pass(2)
	c.leave(second)
	pass(1)
	c.leave(first)
	pass(3)
	c.finish(m)
	c.enter()
	pass(5)
	if got, want := m.beside, (results.Beside{Most: 2, Mean: 0.6}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestJudgeBeside: the rule looks at the machine and the delay, and not at the
// rate.
func TestJudgeBeside(t *testing.T) {
	run := func(idle float64, late time.Duration) *results.Run {
		return &results.Run{
			Cell:     matrix.Cell{Latency: 100 * time.Millisecond, Conns: 1, Events: 10},
			Lateness: late, Beside: &results.Beside{Most: 3},
			Usage: results.Usage{Machine: results.MachineUsage{
				Cores: 2, Elapsed: 10 * time.Second, Idle: time.Duration(idle*15) * time.Second,
				Nice: time.Duration(idle*5) * time.Second,
			}},
		}
	}
	for _, tt := range []struct {
		run  *results.Run
		want string
	}{
		{run(1, 0), ""},
		{run(0.4, 500*time.Microsecond), ""},
		{run(0.2, 0), "its processors were idle for 20 % of the time, want 25 %"},
		{run(1, 501*time.Microsecond), "packets left 501µs later than asked for, in the mean, want 500µs at most"},
	} {
		tt.run.Author = results.Author{Sent: 10, Acked: 10, Elapsed: time.Hour} // far below theory
		switch err := judgeBeside(tt.run); {
		case err == nil && tt.want == "":
		case err == nil || tt.want == "" || !strings.Contains(err.Error(), tt.want):
			t.Errorf("idle for %v, late %v: got %v, want %q", tt.run.Usage.Machine.Idle, tt.run.Lateness, err, tt.want)
		}
	}
}
