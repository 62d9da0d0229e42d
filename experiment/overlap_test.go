package experiment

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/results"
)

// TestConclude: what is void beside others is repeated alone with its reason, and a
// broker that doesn't start alone either leaves none of its runs unanswered.
func TestConclude(t *testing.T) {
	a := matrix.Cell{Broker: "a", Latency: time.Second, Conns: 1, Events: 20}
	b := matrix.Cell{Broker: "b", Latency: time.Second, Conns: 1, Events: 20}
	s := &Series{plan: plan{cells: []matrix.Cell{a, b}, count: 3}, overlap: 4, failed: make(map[string]bool)}
	c := s.conductor()
	for _, cell := range s.plan.cells {
		c.schedule.learn(cell, time.Millisecond, 1)
	}
	begin := func(want matrix.Cell) *slot {
		t.Helper()
		up, done := c.next()
		if up == nil || up.cell != want || done {
			t.Fatalf("got %+v, %t, want a run of %v", up, done, want)
		}
		up.phase = measuring
		return up
	}
	end := func(up *slot, run *results.Run, err error) {
		c.schedule.end(up)
		c.conclude(up, run, err)
	}
	first, second := begin(a), begin(a)
	end(first, nil, &StartError{errors.New("no room")})
	third := begin(b) // nothing more of a
	end(second, new(results.Run), nil)
	end(third, new(results.Run), nil)
	again := begin(a)
	if !again.alone || !again.again || len(c.earlier[a]) != 1 {
		t.Errorf("%+v, after %v, want one that is repeated alone", again, c.earlier[a])
	}
	end(again, nil, &StartError{errors.New("no image")})
	if len(c.made[a]) != 3 || len(c.made[b]) != 1 || c.over != 4 {
		t.Fatalf("%d and %d runs are over, %d in all, want 3 and 1", len(c.made[a]), len(c.made[b]), c.over)
	}
	for _, want := range []string{"", "void: no image", "left out: a didn't start"} {
		o := <-c.made[a]
		if (o.err == nil) != (want == "") || o.err != nil && !strings.Contains(o.err.Error(), want) {
			t.Errorf("got %+v, want %q", o, want)
		}
	}
	end(begin(b), new(results.Run), nil)
	end(begin(b), new(results.Run), nil)
	if up, done := c.next(); up != nil || !done {
		t.Errorf("got %+v, %t, want that all is done", up, done)
	}
}

// TestOverbooked: a schedule that takes the machine for a larger one, and the
// broker for a frugal one, lets more begin than there is room for. No such run
// counts.
func TestOverbooked(t *testing.T) {
	require.Root(t)
	s, labels := newSeries(t, "embedded")
	cell := matrix.Cell{Broker: labels[0], Latency: 100 * time.Millisecond, Conns: 512, Events: 10_240} // 4 s
	s.overlap = MostOverlap
	s.Plan([]matrix.Cell{cell}, 2*runtime.NumCPU())
	s.ahead = s.conductor()
	c := s.ahead
	c.schedule.processors, c.schedule.brief = 64, time.Second
	c.schedule.learn(cell, time.Microsecond, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	ctx, c.end = context.WithCancel(ctx)
	go c.conduct(ctx)
	for ctx.Err() == nil {
		c.mu.Lock()
		void, over := c.earlier[cell], c.over
		c.mu.Unlock()
		if over > 0 {
			t.Error("a run was taken for one that nothing disturbed")
		}
		if over > 0 || len(void) > 0 {
			t.Logf("void: %v", void)
			break
		}
		_ = pause(ctx, poll)
	}
	if ctx.Err() != nil {
		t.Error("nothing was over in time")
	}
}
