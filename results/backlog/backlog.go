// Package backlog tells whether a broker keeps up with events that become due at a
// rate: the backlog, which is the events that are due and not yet delivered, grows
// where it doesn't.
//
// A backlog always has the events that are on their way, and it swells when a broker
// pauses. So this package judges its floor, its least value in a stretch of time: a
// broker that keeps up returns to the events on their way again and again.
package backlog

import (
	"fmt"
	"slices"
	"time"

	"cometbench/results/stat"
)

// Tolerance is the share of the events that become due that may be left over. A
// broker which delivers 99 of 100 in time keeps up: from a run, less can't be told
// from nothing.
const Tolerance = 0.01

// stretches is how many stretches of equal length a run is looked at in.
const stretches = 12

// Trend is how the backlog of a run went.
type Trend struct {
	// End is the backlog when the last event became due.
	End int `json:"end"`
	// Growth is by how much its floor grew, as a share of the events that became
	// due meanwhile. Lo and Hi are the bounds of its confidence interval.
	Growth float64 `json:"growth"`
	Lo     float64 `json:"growth_lo"`
	Hi     float64 `json:"growth_hi"`
	// Verdict says whether the broker kept up.
	Verdict Verdict `json:"verdict"`
}

// Verdict is whether a broker keeps up.
type Verdict string

// The verdicts.
const (
	KeepsUp     Verdict = "keeps up"
	FallsBehind Verdict = "falls behind"
	CantTell    Verdict = "can't tell"
)

// New returns the trend of a run whose events became due at times that rise, and
// were delivered at those times, in any order. Events that were never delivered
// aren't among them: they are lost, and no backlog.
func New(due, delivered []time.Duration) Trend {
	if len(due) == 0 {
		return Trend{Verdict: CantTell}
	}
	floors, end := floors(due, delivered, stretches)
	t := Trend{End: end}
	grown := floors[len(floors)-1] - floors[1]
	i := stat.MeanInterval(Steps(floors, len(due)))
	t.Growth, t.Lo, t.Hi = i.Value, i.Lo, i.Hi
	switch {
	case t.Growth < Tolerance || grown <= 1: // an event more or less is on its way
		t.Verdict = KeepsUp
	case t.Lo > 0:
		t.Verdict = FallsBehind
	default:
		t.Verdict = CantTell
	}
	return t
}

// Words says whether a broker keeps up with a rate in events/s.
func (t Trend) Words(rate float64) string {
	with := fmt.Sprintf("with %g events/s", rate)
	left := stat.FormatCount(float64(t.End)) + " events were due and not yet delivered at the end"
	if t.End == 1 {
		left = "1 event was due and not yet delivered at the end"
	}
	switch t.Verdict {
	case KeepsUp:
		return fmt.Sprintf("keeps up %s: %s", with, left)
	case FallsBehind:
		return fmt.Sprintf("doesn't keep up %s: %s, and the backlog grew by %s of what became due "+
			"(%s to %s)", with, left, stat.FormatPercent(t.Growth), stat.FormatPercent(t.Lo), stat.FormatPercent(t.Hi))
	}
	return fmt.Sprintf("can't tell whether it keeps up %s: %s; a longer run (-events) tells", with, left)
}

// Floors returns the least backlog in each stretch of the time in which events became
// due.
func Floors(due, delivered []time.Duration, stretches int) []int {
	floors, _ := floors(due, delivered, stretches)
	return floors
}

// floors returns the backlog at the end, too.
func floors(due, delivered []time.Duration, stretches int) (floors []int, end int) {
	delivered = slices.Sorted(slices.Values(delivered))
	first, last := due[0], due[len(due)-1]
	done, backlog := 0, 0
	deliver := func(stretch int, until time.Duration) {
		for ; done < len(delivered) && delivered[done] <= until; done++ {
			backlog--
			floors[stretch] = min(floors[stretch], backlog)
		}
	}
	floors = make([]int, stretches)
	taken := 0
	for stretch := range floors {
		until := first + (last-first)*time.Duration(stretch+1)/time.Duration(stretches)
		floors[stretch] = backlog
		for ; taken < len(due) && due[taken] <= until; taken++ {
			deliver(stretch, due[taken])
			backlog++
		}
		deliver(stretch, until)
	}
	return floors, backlog
}

// Steps returns by how much the floor grew from stretch to stretch, as shares of what
// became due in one. The first stretch begins without a backlog, and isn't counted.
func Steps(floors []int, events int) []float64 {
	perStretch := float64(events) / float64(len(floors))
	var steps []float64
	for i := 2; i < len(floors); i++ {
		steps = append(steps, float64(floors[i]-floors[i-1])/perStretch)
	}
	return steps
}
