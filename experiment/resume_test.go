package experiment

import (
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
)

// TestResumeAhead: where runs overlap, only those are begun that the tree hasn't
// got; those that it has are returned first, one after another.
func TestResumeAhead(t *testing.T) {
	a := matrix.Cell{Broker: "a", Latency: time.Second, Conns: 1, Events: 10}
	b := matrix.Cell{Broker: "b", Latency: time.Second, Conns: 1, Events: 10}
	s := &Series{overlap: 4, kept: make(map[matrix.Cell][]results.Found)}
	s.Plan([]matrix.Cell{a, b}, 2)
	s.plan.kept = map[matrix.Cell]int{a: 1, b: 2}
	for _, cell := range []matrix.Cell{a, b, b} {
		s.kept[cell] = append(s.kept[cell], results.Found{Run: &results.Run{Cell: cell, Number: 1 + len(s.kept[cell])}})
	}
	c := s.conductor()
	up, done := c.next()
	if up == nil || up.cell != a || done || c.over != 3 {
		t.Fatalf("got %+v, %t, %d runs over, want one of %v, and 3 that are over", up, done, c.over, a)
	}
	up.phase = measuring
	c.schedule.end(up)
	c.conclude(up, new(results.Run), nil)
	if up, done := c.next(); up != nil || !done {
		t.Errorf("got %+v, %t, want nothing more to begin", up, done)
	}
	for _, want := range []results.Run{{Cell: a, Number: 1}, {Cell: b, Number: 1}, {Cell: b, Number: 2}} {
		if got := s.takeKept(want.Cell); got == nil || got.Cell != want.Cell || got.Number != want.Number {
			t.Errorf("got %+v of the tree, want run %d of %v", got, want.Number, want.Cell)
		}
	}
	for _, cell := range s.Cells() {
		if got := s.takeKept(cell); got != nil {
			t.Errorf("got %+v of %v, want no more", got, cell)
		}
	}
}

func TestDelayOf(t *testing.T) {
	s := &Series{delays: map[string]string{"tried": "kernel"}}
	for _, tt := range []struct {
		asked             netem.Kind
		broker, had, want string
	}{
		{netem.Auto, "tried", "userspace", "kernel"},
		{netem.Auto, "other", "userspace", "userspace"},
		{netem.Kernel, "other", "userspace", "kernel"},
	} {
		s.config.Netem = tt.asked
		if got := s.delayOf(tt.broker, tt.had); got != tt.want {
			t.Errorf("%+v: got %s", tt, got)
		}
	}
}
