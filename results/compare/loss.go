package compare

import (
	"fmt"

	"cometbench/matrix"
	"cometbench/results/paired"
	"cometbench/results/stat"
)

// Loss compares the events of one cell that got lost, by counts over all rounds
// that aren't void.
type Loss struct {
	Cell string `json:"cell"`
	// What is "missing" (acked, but not in the subscriber's database) or
	// "unacked" (nak'd, refused, timed out: the author has no ack).
	What string  `json:"what"`
	Old  LossSum `json:"old"`
	New  LossSum `json:"new"`
	// P is of the rounds' counts, where both sides lost events.
	P float64 `json:"p"`
	// Finding is "slower" for a new loss, "open" for one that is significant
	// by itself only, else "clear".
	Finding paired.Finding `json:"finding"`
}

// LossSum is one side's loss.
type LossSum struct {
	Lost   int `json:"lost"`
	Sent   int `json:"sent"`
	Rounds int `json:"rounds"`
}

func (s LossSum) String() string {
	return fmt.Sprintf("%d of %d events in %d rounds", s.Lost, s.Sent, s.Rounds)
}

func (l Loss) String() string {
	verb := "lost"
	if l.What == "unacked" {
		verb = "didn't ack"
	}
	text := fmt.Sprintf("%s: new %s %v; old %v", l.Cell, verb, l.New, l.Old)
	if l.Old.Lost > 0 {
		text += fmt.Sprintf(" (p=%.3f)", l.P)
	}
	return text
}

// grossLoss is the share of new losses that needs no further rounds.
const grossLoss = 0.005

// gross reports whether the new broker lost so many events, and the old one
// none, that no more rounds are needed.
func (l Loss) gross() bool {
	return l.Old.Lost == 0 && float64(l.New.Lost) >= grossLoss*float64(l.New.Sent)
}

// losses returns the cells in which a side lost events.
//
// A loss where the old broker lost nothing is new, be it one event. Where both
// lose events, losing more is a regression only if the rounds' counts say so
// beyond chance, corrected for the number of such comparisons: losses come in
// heaps (a full listen queue), so that counts of events alone would see a
// difference where there is none.
func (in Input) losses(alpha float64) []Loss {
	var list []Loss
	both := 0
	for _, cell := range in.Cells {
		for _, what := range []string{"missing", "unacked"} {
			old, oldShares := in.count(what, cell, Old)
			new, newShares := in.count(what, cell, New)
			if old.Lost == 0 && new.Lost == 0 {
				continue
			}
			l := Loss{Cell: Name(cell), What: what, Old: old, New: new, P: 1, Finding: paired.Clear}
			if old.Lost > 0 {
				both++
				l.P = stat.MannWhitney(oldShares, newShares)
			}
			list = append(list, l)
		}
	}
	for i := range list {
		l := &list[i]
		more := l.New.Lost*l.Old.Sent > l.Old.Lost*l.New.Sent
		switch {
		case l.Old.Lost == 0, more && l.P*float64(both) <= alpha:
			l.Finding = paired.Slower
		case more && l.P <= alpha:
			l.Finding = paired.Open
		}
	}
	return list
}

// count returns the losses of a side in a cell, and those of each round as
// shares of what was sent. Rounds of equals count for the old broker.
func (in Input) count(what string, cell matrix.Cell, side Side) (sum LossSum, shares []float64) {
	for _, r := range in.Rounds {
		if r.Void != "" || r.Cell != cell || r.Equals && side == New {
			continue
		}
		counts := r.Counts[side : side+1]
		if r.Equals {
			counts = r.Counts[:]
		}
		for _, c := range counts {
			lost := c.Acked - c.Delivered
			if what == "unacked" {
				lost = c.Sent - c.Acked
			}
			sum.Lost += lost
			sum.Sent += c.Sent
			sum.Rounds++
			shares = append(shares, float64(lost)/float64(max(1, c.Sent)))
		}
	}
	return sum, shares
}
