package compare

import (
	"fmt"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/stat"
)

// Loss compares the events of one cell that got lost, by counts over all runs
// that aren't void.
type Loss struct {
	Cell string `json:"cell"`
	// What is "missing" (sent, but not in the subscriber's database) or
	// "unacked" (nak'd, refused, timed out: the author has no ack).
	What string  `json:"what"`
	Old  LossSum `json:"old"`
	New  LossSum `json:"new"`
	// P is of the runs' counts, where both sides lost events.
	P float64 `json:"p"`
	// Finding is Slower for a new loss, Suspected, or Same.
	Finding Finding `json:"finding"`
}

// LossSum is one side's loss.
type LossSum struct {
	Lost int `json:"lost"`
	Sent int `json:"sent"`
	Runs int `json:"runs"`
}

func (s LossSum) String() string {
	return fmt.Sprintf("%d of %d events in %d runs", s.Lost, s.Sent, s.Runs)
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

// losses returns the cells in which a side lost events, the soak's among them.
//
// A loss where the old broker lost nothing is new, be it one event. Where both
// lose events, losing more is a regression only if the runs' counts say so
// beyond chance, corrected for the number of such comparisons: losses come in
// heaps (a full listen queue), so that counts of events alone would see a
// difference where there is none.
func losses(in Input, o Options) []Loss {
	var list []Loss
	both := 0
	add := func(name string, cell matrix.Cell, soak bool) {
		rounds := func(round int) bool { return (round == 0) == soak }
		old, new := in.roundRuns(Old, cell, rounds), in.roundRuns(New, cell, rounds)
		if len(old) == 0 || len(new) == 0 {
			return
		}
		for _, what := range []string{"missing", "unacked"} {
			if what == "missing" && (old[0].Subscriber.Format == "" || new[0].Subscriber.Format == "") {
				continue // no database to miss them in
			}
			a, oldCounts := count(what, old)
			b, newCounts := count(what, new)
			if a.Lost == 0 && b.Lost == 0 {
				continue
			}
			l := Loss{Cell: name, What: what, Old: a, New: b, P: 1, Finding: Same}
			if a.Lost > 0 {
				both++
				l.P = stat.MannWhitney(oldCounts, newCounts)
			}
			list = append(list, l)
		}
	}
	for _, cell := range in.Plan.Cells {
		add(cellName(cell), cell, false)
	}
	if in.Plan.Soak.Events > 0 {
		add(fmt.Sprintf("long run, %s, %d events", cellName(in.Plan.Soak), in.Plan.Soak.Events), in.Plan.Soak, true)
	}
	for i := range list {
		l := &list[i]
		more := l.New.Lost*l.Old.Sent > l.Old.Lost*l.New.Sent
		switch {
		case l.Old.Lost == 0, more && l.P*float64(both) <= o.Alpha:
			l.Finding = Slower
		case more && l.P <= o.Alpha:
			l.Finding = Suspected
		}
	}
	return list
}

// count returns the sum and the counts of each run, as shares of the events
// sent.
func count(what string, runs []*results.Run) (sum LossSum, shares []float64) {
	for _, r := range runs {
		lost := r.Missing()
		if what == "unacked" {
			lost = r.Author.Sent - r.Author.Acked
		}
		sum.Lost += lost
		sum.Sent += r.Author.Sent
		sum.Runs++
		shares = append(shares, float64(lost)/float64(max(1, r.Author.Sent)))
	}
	return sum, shares
}
