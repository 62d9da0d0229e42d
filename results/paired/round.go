// Package paired tells from rounds of paired batches whether one broker is
// slower than another. It is arithmetic only: it runs nothing and writes
// nothing.
//
// A pair is two batches of events, one to the old broker and one to the new,
// one right after the other; a round is some twenty pairs on brokers that were
// started for it. What slows the machine down for longer than a batch meets
// both batches of a pair, and cancels. The brokers of one round share their
// start, the order of their memory, and their neighbours, so that a round
// counts as one value, and intervals are over rounds.
//
// docs/compare.md has the rules in words.
package paired

import (
	"math"
	"slices"
	"time"
)

// Witness is a figure by which a broker may be slower.
type Witness string

// The witnesses.
const (
	// Time is the author's: from its first connection until its last ack.
	Time Witness = "time"
	// Delivery is the time from the subscriber's first event to its last.
	Delivery Witness = "delivery"
	// Work is the CPU time of the broker. Neighbours hardly disturb it, and it
	// doesn't see that a broker waits.
	Work Witness = "work"
)

// Witnesses returns all of them, in the order in which they are shown.
func Witnesses() []Witness { return []Witness{Time, Delivery, Work} }

// Batch is what one batch of events took, for each witness that was there.
type Batch map[Witness]time.Duration

// Pair is two batches of as many events, one right after the other.
type Pair struct{ Old, New Batch }

// Round is the pairs of two brokers that were started for it.
type Round struct {
	// Cell names the cell.
	Cell string
	// Equals says that it was the old broker on both sides: what it shows is
	// the noise of the machine and of the procedure.
	Equals bool
	Pairs  []Pair
}

const (
	// trimmed is the share of a round's pairs that is left out at each end. Of
	// the means, medians and trimmed means that were tried on the rounds in
	// testdata, it is the one whose spread is never far from the least.
	trimmed = 0.2
	// minPairs is how many pairs make a round.
	minPairs = 5
)

// Value returns how much more the new broker took in a round: the trimmed mean
// of the logarithms of its pairs' ratios. It reports false where the round has
// too few pairs with that witness.
func (r Round) Value(w Witness) (value float64, ok bool) {
	var ratios []float64
	for _, p := range r.Pairs {
		if p.Old[w] > 0 && p.New[w] > 0 {
			ratios = append(ratios, math.Log(float64(p.New[w])/float64(p.Old[w])))
		}
	}
	if len(ratios) < minPairs {
		return 0, false
	}
	return trimmedMean(ratios, trimmed), true
}

// trimmedMean returns the mean without the given share of the values at each
// end.
func trimmedMean(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	cut := int(share * float64(len(sorted)))
	return mean(sorted[cut : len(sorted)-cut])
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
