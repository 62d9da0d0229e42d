// Package compare judges whether one broker is slower than another, and says it
// in words, for programs, and in a figure. It judges rounds of paired batches;
// it runs nothing itself. docs/compare.md has the rules.
//
// Lost events are judged apart, by exact counts, since a broker that loses
// events is quick to be done. Where rounds are void, too few or too noisy the
// verdict is that nothing can be told, not that all is well.
package compare

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/paired"
	"cometbench/subject"
)

// Side is one of the two brokers.
type Side int

// The sides of a comparison.
const (
	Old Side = iota
	New
)

// String returns "old" or "new".
func (s Side) String() string { return [...]string{"old", "new"}[s] }

// Subject is one of the brokers.
type Subject struct {
	Name     string           `json:"name"`
	Software subject.Software `json:"software"`
}

// Count is what became of the events that one side got in a round.
type Count struct {
	Sent, Acked int
	// Delivered is how many reached the subscriber, as many as were acked
	// where nobody can know.
	Delivered int
}

// Round is what became of one.
type Round struct {
	// Cell is what was measured, its Broker and its Events empty.
	Cell matrix.Cell
	// Events is how many a batch had.
	Events int
	// Equals says that the old broker stood on both sides.
	Equals bool
	Pairs  []paired.Pair
	Counts [2]Count // by side
	// Subscriber is the processor time that the subscribers used for each event,
	// by side; 0 where that isn't known.
	Subscriber [2]time.Duration
	// Foreign and Steal are the shares of the processors' time that other
	// programs used and that the hypervisor took.
	Foreign, Steal float64
	// Void says why there are no figures, and At who was at fault, where it
	// was one side.
	Void string
	At   []Side
}

// String names the round for a person.
func (r Round) String() string {
	if r.Equals {
		return Name(r.Cell) + ", the old broker with itself"
	}
	return Name(r.Cell)
}

// Input is everything that a verdict is founded on.
type Input struct {
	Old, New Subject
	// Identical says that both are the same program, started alike. No rounds
	// are needed then.
	Identical bool
	Cells     []matrix.Cell
	// Rounds are in the order in which they ran.
	Rounds []Round
	// Started is when the first round began.
	Started time.Time
	// Took is the time since the first round began.
	Took time.Duration
	// Interrupted says why no more rounds were made, "" where that was for the
	// verdict to say.
	Interrupted string
	// Config describes machine and software.
	Config []results.ConfigLine
}

// Options are the thresholds. Their zero values choose the defaults; ratios are
// fractions, 0.05 for 5 %.
type Options struct {
	// Effect is the least slowdown that counts: 5 % by default.
	Effect float64
	// BoundEffect is the same for cells whose rate the latency decides, and
	// which are much less noisy: 2 % by default.
	BoundEffect float64
	// Alpha is the accepted probability that a comparison of two equals ends
	// as a regression: 0.05 by default.
	Alpha float64
}

// The defaults of Options.
const (
	DefaultEffect      = 0.05
	DefaultBoundEffect = 0.02
	DefaultAlpha       = 0.05
)

func (o Options) rules() paired.Rules {
	return paired.Rules{
		Effect:      cmp.Or(o.Effect, DefaultEffect),
		BoundEffect: cmp.Or(o.BoundEffect, DefaultBoundEffect),
		Alpha:       cmp.Or(o.Alpha, DefaultAlpha),
	}
}

// Name names a cell as benchmarks do, without the broker.
func Name(c matrix.Cell) string {
	return fmt.Sprintf("latency=%s/conns=%d", matrix.FormatLatency(c.Latency), c.Conns)
}

// equalsEvery is after how many rounds of a cell one of equals is made; the first
// comes after half of them.
const equalsEvery = 4

// Cycle returns the rounds that are to be made in a cycle, counted from 1: one in
// each cell, and now and then one of equals.
func (in Input) Cycle(n int) []Round {
	var rounds []Round
	for _, cell := range in.Cells {
		rounds = append(rounds, Round{Cell: cell})
		if n%equalsEvery == equalsEvery/2 {
			rounds = append(rounds, Round{Cell: cell, Equals: true})
		}
	}
	return rounds
}

// NewFirst reports whether the new broker is to have the first turn in the next
// round of that cell and kind: the brokers take turns in it.
func (in Input) NewFirst(next Round) bool {
	n := 0
	for _, r := range in.Rounds {
		if r.Cell == next.Cell && r.Equals == next.Equals && r.Void == "" {
			n++
		}
	}
	return n%2 == 1
}

// rows judges the rounds that aren't void.
func (in Input) rows(rules paired.Rules) paired.Rows {
	var rounds []paired.Round
	for _, r := range in.Rounds {
		if r.Void == "" {
			rounds = append(rounds, paired.Round{Cell: Name(r.Cell), Equals: r.Equals, Pairs: r.Pairs})
		}
	}
	var cells []paired.Cell
	for _, c := range in.Cells {
		cells = append(cells, paired.Cell{Name: Name(c), Bound: in.bound(c)})
	}
	return rules.Judge(cells, rounds)
}

// bound reports whether the latency decides a cell's rate: whether the old
// broker reached most of what so many connections could if it took no time
// itself, in the batches of the cell's first round.
func (in Input) bound(cell matrix.Cell) bool {
	if cell.Latency == 0 {
		return false
	}
	for _, r := range in.Rounds {
		if r.Void != "" || r.Cell != cell {
			continue
		}
		cell.Events = r.Events
		var took []time.Duration
		for _, p := range r.Pairs {
			took = append(took, p.Old[paired.Time])
		}
		slices.Sort(took)
		return len(took) > 0 && float64(took[len(took)/2])*paired.BoundShare <= float64(cell.Expected())
	}
	return false
}

// voidInTurn is how many void rounds, one after another, say that a broker
// can't be run.
const voidInTurn = 2

// broken returns the sides that can't be run.
func (in Input) broken() []Broken {
	var list []Broken
	for _, side := range []Side{Old, New} {
		turn := 0
		for _, r := range in.Rounds {
			if !slices.Contains(r.At, side) {
				turn = 0
				continue
			}
			if turn++; turn == voidInTurn {
				list = append(list, Broken{Side: side, Cell: Name(r.Cell), Why: r.Void})
				break
			}
		}
	}
	return list
}

// voidAtLast is how many void rounds, one after another, end a comparison,
// whoever was at fault.
const voidAtLast = 3

// hopeless returns the reason of the last round if the last rounds are all void.
func (in Input) hopeless() string {
	n := len(in.Rounds)
	if n < voidAtLast || slices.ContainsFunc(in.Rounds[n-voidAtLast:], func(r Round) bool { return r.Void == "" }) {
		return ""
	}
	return in.Rounds[n-1].Void
}

// voidCells returns the cells of which more than a third of the rounds are
// void: what is left of them might have been chosen by what it shows.
func (in Input) voidCells() []string {
	var names []string
	for _, cell := range in.Cells {
		void, all := 0, 0
		for _, r := range in.Rounds {
			if r.Cell == cell {
				all++
				if r.Void != "" {
					void++
				}
			}
		}
		if 3*void > all {
			names = append(names, fmt.Sprintf("%s: %d of %d rounds are void", Name(cell), void, all))
		}
	}
	return names
}
