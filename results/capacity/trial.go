// Package capacity finds the highest rate of events that a broker keeps up with.
//
// A [Trial] is of one rate. It gets batches of events that become due at that rate,
// and after each batch looks whether it can be told: the rate holds if the backlog
// doesn't grow and at most one event in a hundred is later than a bound, and fails
// if it does, or more are. A [Search] chooses the rates, and ends with an interval.
package capacity

import (
	"math"
	"slices"
	"time"

	"cometbench/results/backlog"

	"github.com/aclements/go-moremath/stats"
)

const (
	// stretches is how many stretches each batch is looked at in.
	stretches = 10
	// lateShare is how many events may be later than the bound: it is one of the
	// 99th percentile.
	lateShare = 0.01
	// alpha is the probability that a trial errs to one side, over all of its
	// looks.
	alpha = 0.025
	// mostBatches is how many batches a trial has at most.
	mostBatches = 3
	// enough is in how many batches the backlog mustn't grow for a rate to hold.
	enough = 2
	// mostLost is the share of a batch that may be lost.
	mostLost = 0.01
	// mostLossy batches of a trial that lose more, one after another, are the
	// rate's doing; mostTardy that the author is late with are the machine's.
	mostLossy = 2
	mostTardy = 3
)

// Verdict is what a trial tells of its rate.
type Verdict int

// The verdicts. Open trials want another batch.
const (
	Open Verdict = iota
	Holds
	Fails
	Unclear // neither, with as many batches as a trial may have
)

// String says it in a word.
func (v Verdict) String() string { return [...]string{"open", "holds", "fails", "unclear"}[v] }

// Batch is what became of the events of one batch.
type Batch struct {
	// Due and Delivered are the times of the events that were delivered, the first
	// in rising order.
	Due, Delivered []time.Duration
	// Lost is how many weren't.
	Lost int
	// Late says that the author itself began events too late: it, or the machine,
	// can't keep the pace.
	Late bool
}

// Trial is that of one rate.
type Trial struct {
	// Rate is in events per second.
	Rate float64
	// Bound is what the 99th percentile of the delivery latencies mustn't exceed.
	Bound time.Duration

	growth, late []float64 // of the stretches of all batches: shares of what became due
	looks        int
	level        int // batches in which the backlog didn't grow
	lossy, tardy int // batches in a row that lost much, and that the author was late with
	// Lost and Events are how many events were lost, of how many.
	Lost, Events int
	// P99 is the longest 99th percentile of the delivery latencies of a batch.
	P99 time.Duration
	// Late says that it fails because of the author.
	Late bool
	// Verdict is that of the last batch.
	Verdict Verdict
	// Warnings are those of the batches.
	Warnings []string
}

// Growth is by how much the backlog grew on average, as a share of what became due.
func (t *Trial) Growth() float64 {
	if len(t.growth) == 0 {
		return 0
	}
	return stats.Mean(t.growth)
}

// Add adds a batch and returns what is known by now.
//
// A batch that lost more than one event in a hundred tells nothing of the
// backlog: Comet drops its subscriber now and then, for another reason. It is
// repeated, as is one that the author was late with, since something else may have
// kept it for a moment. Where several are alike, the rate is too high.
func (t *Trial) Add(b Batch) Verdict {
	t.Verdict = t.add(b)
	return t.Verdict
}

func (t *Trial) add(b Batch) Verdict {
	events := len(b.Due) + b.Lost
	t.Events += events
	t.Lost += b.Lost
	switch {
	case b.Late:
		if t.tardy++; t.tardy < mostTardy {
			return Open
		}
		t.Late = true
		return Fails
	case float64(b.Lost) > mostLost*float64(events) || len(b.Due) == 0:
		if t.lossy++; t.lossy < mostLossy {
			return Open
		}
		return Fails
	}
	t.lossy, t.tardy = 0, 0
	t.P99 = max(t.P99, p99(b))
	steps := backlog.Steps(backlog.Floors(b.Due, b.Delivered, stretches), len(b.Due))
	if stats.Mean(steps) < backlog.Tolerance {
		t.level++
	}
	t.growth = append(t.growth, steps...)
	t.late = append(t.late, lateness(b, t.Bound)...)
	t.looks++
	return t.look()
}

// p99 returns the 99th percentile of a batch's delivery latencies.
func p99(b Batch) time.Duration {
	latencies := make([]time.Duration, len(b.Due))
	for i := range latencies {
		latencies[i] = b.Delivered[i] - b.Due[i]
	}
	slices.Sort(latencies)
	return latencies[(len(latencies)*99+99)/100-1]
}

// lateness returns the share of late events in each stretch of a batch.
func lateness(b Batch, bound time.Duration) []float64 {
	shares := make([]float64, 0, stretches)
	for i := range stretches {
		from, to := len(b.Due)*i/stretches, len(b.Due)*(i+1)/stretches
		late := 0
		for j := from; j < to; j++ {
			if b.Delivered[j]-b.Due[j] > bound {
				late++
			}
		}
		if to > from {
			shares = append(shares, float64(late)/float64(to-from))
		}
	}
	return shares
}

// look tests what is known by now. A rate fails where the mean growth from stretch to
// stretch, or the mean share of late events, lies above what is allowed, by Student's t.
// It holds where the backlog got down again to where it began, or almost, in two
// batches, which start anew each, and lateness lies below what is allowed.
//
// Looks share the error that a trial may make: the first gets 1/2 of it, the next
// ones 1/6, 1/12 and so on, which add up to less than 1.
func (t *Trial) look() Verdict {
	spent := alpha / float64(t.looks*(t.looks+1))
	late := compare(t.late, lateShare, spent)
	switch {
	case compare(t.growth, backlog.Tolerance, spent) > 0 || late > 0:
		return Fails
	case t.level >= enough && late < 0:
		return Holds
	case t.looks >= mostBatches:
		return Unclear
	}
	return Open
}

// compare returns 1 if the mean of the values is above a limit, -1 if it is below,
// but for a probability, and 0 if neither can be told.
func compare(values []float64, limit, probability float64) int {
	n := float64(len(values))
	mean := stats.Mean(values)
	half := stats.StdDev(values) / math.Sqrt(n) * stats.InvCDF(stats.TDist{V: n - 1})(1-probability)
	switch {
	case mean-half > limit:
		return 1
	case mean+half < limit:
		return -1
	}
	return 0
}
