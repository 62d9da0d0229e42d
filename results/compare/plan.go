package compare

import (
	"fmt"

	"cometbench/matrix"
)

// Side is the broker that a run is of.
type Side int

// The sides of a comparison. The anchor is the same in every comparison: the
// embedded broker, whose rate changes only if the machine does.
const (
	Old Side = iota
	New
	Anchor
)

// String returns "old", "new" or "anchor".
func (s Side) String() string { return [...]string{"old", "new", "anchor"}[s] }

// Plan lists the runs of a comparison.
type Plan struct {
	// Cells are what is measured of both sides; their Broker is empty.
	Cells []matrix.Cell
	// Count is the number of runs per side and cell.
	Count int
	// Soak is the cell of one long run per side before the others, in which
	// lost events count and rates don't. No events: none.
	Soak matrix.Cell
	// Anchor is the cell of the anchor's runs. No events: none.
	Anchor matrix.Cell
}

// Step is one run of a plan.
type Step struct {
	Round int // from 1; 0 is the soak
	Side  Side
	Cell  matrix.Cell
}

// String names the step in messages.
func (s Step) String() string {
	if s.Round == 0 {
		return fmt.Sprintf("%s, long run, %s", s.Side, cellName(s.Cell))
	}
	return fmt.Sprintf("%s, round %d, %s", s.Side, s.Round, cellName(s.Cell))
}

// Steps returns the runs in their order, always the same for a plan. The two
// sides of a cell run one right after the other, and which is first changes
// from round to round and from cell to cell (ABBA): a slow drift affects
// both alike. The anchor runs between the rounds, so that its runs are evenly
// spaced over the whole comparison.
func (p Plan) Steps() []Step {
	var steps []Step
	if p.Soak.Events > 0 {
		steps = append(steps, Step{0, Old, p.Soak}, Step{0, New, p.Soak})
	}
	anchor := func(round int) {
		if p.Anchor.Events > 0 {
			steps = append(steps, Step{round, Anchor, p.Anchor})
		}
	}
	for round := 1; round <= p.Count; round++ {
		anchor(round)
		for i, cell := range p.Cells {
			first, second := Old, New
			if (round+i)%2 == 0 {
				first, second = New, Old
			}
			steps = append(steps, Step{round, first, cell}, Step{round, second, cell})
		}
	}
	anchor(p.Count)
	return steps
}

// cellName names a cell as benchmarks do, without the broker.
func cellName(c matrix.Cell) string {
	return fmt.Sprintf("latency=%s/conns=%d", matrix.FormatLatency(c.Latency), c.Conns)
}
