package experiment

import (
	"testing"
	"time"

	"cometbench/matrix"
)

// TestPlan: two runs of a fast cell and two of one that latency makes slow.
func TestPlan(t *testing.T) {
	fast := matrix.Cell{Conns: 10, Events: 1000}
	slow := matrix.Cell{Latency: 100 * time.Millisecond, Conns: 1, Events: 1000} // 200 s at least
	p := &plan{cells: []matrix.Cell{fast, slow}, count: 2}
	const s = time.Second
	check := func(underWay, want time.Duration) {
		t.Helper()
		if got := p.left(underWay); got != want {
			t.Errorf("%d runs done, %v of the next: %v left, want %v", p.done, underWay, got, want)
		}
	}
	finish := func(cell matrix.Cell, took time.Duration) {
		p.finish(cell, took)
		p.done++
	}
	check(0, 400*s)
	finish(fast, 4*s)
	check(0, (4+204+204)*s)
	check(3*s, (1+204+204)*s)
	check(30*s, (204+204)*s)
	finish(fast, 6*s)
	check(0, (205+205)*s)
	finish(slow, 220*s)
	check(0, 220*s)
	p.done++ // a void run
	check(0, 0)
}
