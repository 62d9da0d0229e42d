// Package compare judges whether one broker is slower than another, from runs
// of both that alternated on one machine. It runs nothing itself.
//
// A row is one metric of one cell. The metrics of the broker are compared and
// shown (sec/op and the three rates); two decide, for each cell:
// author-events/s, how fast the broker takes events, and subscriber-events/s,
// how fast it passes them on. The others follow from these: sec/op is the number
// of events over the author's rate, and the broker's own rate lies between the
// two. A row that only repeats another finds nothing, and yet makes the
// correction for the number of rows stricter for all.
//
// A row is a regression if the medians differ by the effect size at least and
// the difference is significant (Mann–Whitney U test, as benchstat has it)
// after Holm's correction for the number of deciding rows. Lost events are
// judged apart, by exact counts, since a median hides them, and a broker that
// loses events is quick to be done.
//
// Where runs are void, too few or too noisy, or the machine drifted, the verdict
// is that nothing can be told, not that all is well.
package compare

import (
	"cmp"
	"slices"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/subject"
)

// Attempt is one attempt at a step: a run, or the reason why it is void.
type Attempt struct {
	Step
	// Run is what was measured, nil where the run was void.
	Run *results.Run
	// Void says why there are no figures.
	Void string
}

// Input is everything that a verdict rests on.
type Input struct {
	// Old, New and Anchor name the brokers, as the user did.
	Old, New, Anchor string
	Plan             Plan
	// Attempts are in the order in which they ran.
	Attempts []Attempt
	// Interrupted says why the plan wasn't completed: "interrupted". It is
	// empty where the runs themselves were the reason.
	Interrupted string
}

// Options are the thresholds of a comparison. Their zero values choose the
// defaults; ratios are fractions, 0.05 for 5 %.
type Options struct {
	// Effect is how much more time an event must take for a row to be a
	// regression: 5 % by default.
	Effect float64
	// BoundEffect is the same for cells that are bound by latency, which are much
	// less noisy: 2 % by default.
	BoundEffect float64
	// Alpha is the accepted probability that any row of a comparison of two
	// equals is significant: 0.05 by default.
	Alpha float64
	// MustDetect is the least slowdown that a row has to be able to detect for
	// its silence to count as good news: 25 % by default.
	MustDetect float64
}

// The defaults of Options.
const (
	DefaultEffect      = 0.05
	DefaultBoundEffect = 0.02
	DefaultAlpha       = 0.05
	DefaultMustDetect  = 0.25
)

func (o Options) withDefaults() Options {
	o.Effect = cmp.Or(o.Effect, DefaultEffect)
	o.BoundEffect = cmp.Or(o.BoundEffect, DefaultBoundEffect)
	o.Alpha = cmp.Or(o.Alpha, DefaultAlpha)
	o.MustDetect = cmp.Or(o.MustDetect, DefaultMustDetect)
	return o
}

// Compare judges the runs.
func Compare(in Input, o Options) *Verdict {
	o = o.withDefaults()
	v := assess(in, o)
	for i := range v.Rows {
		v.Rows[i].detect(v.tests, o)
	}
	v.conclude()
	return v
}

// assess fills in everything but what takes a simulation.
func assess(in Input, o Options) *Verdict {
	v := &Verdict{
		Old: side(in, Old, in.Old), New: side(in, New, in.New), Anchor: side(in, Anchor, in.Anchor),
		Count: in.Plan.Count, Alpha: o.Alpha, Interrupted: in.Interrupted, Config: in.Config(),
		mustDetect: o.MustDetect,
	}
	v.Drift = findDrift(authorRates(in.runs(Anchor, in.Plan.Anchor)))
	for _, cell := range in.Plan.Cells {
		v.Rows = append(v.Rows, compareCell(cell, in.runs(Old, cell), in.runs(New, cell), o)...)
	}
	v.tests = correct(v.Rows)
	for i := range v.Rows {
		v.Rows[i].judge(v.tests, o)
	}
	v.Losses = losses(in, o)
	v.Broken = broken(in.Attempts)
	for _, t := range in.Attempts {
		if t.Void != "" {
			v.Void = append(v.Void, VoidRun{t.Step.String(), t.Side.String(), t.Void})
		}
	}
	return v
}

// runs returns the runs of one side of a cell in the rounds, in their order.
func (in Input) runs(s Side, cell matrix.Cell) []*results.Run {
	return in.roundRuns(s, cell, func(round int) bool { return round > 0 })
}

func (in Input) roundRuns(s Side, cell matrix.Cell, want func(round int) bool) []*results.Run {
	var runs []*results.Run
	for _, t := range in.Attempts {
		if t.Side == s && t.Cell == cell && t.Run != nil && want(t.Round) {
			runs = append(runs, t.Run)
		}
	}
	return runs
}

func side(in Input, s Side, name string) Subject {
	side := Subject{Name: name}
	for _, t := range in.Attempts {
		if t.Side != s {
			continue
		}
		if t.Run == nil {
			side.Void++
			continue
		}
		side.Runs++
		if side.Software == (subject.Software{}) {
			side.Software = t.Run.Software
		}
	}
	return side
}

// Stop reports whether going on is pointless: a run of one side was void, and so
// was its repetition. The caller repeats every void run of the old and the new
// broker once; both attempts count.
func Stop(attempts []Attempt) bool { return len(broken(attempts)) > 0 }

// broken returns the sides that can't be run, because two attempts at one step,
// one right after the other, were void. Void runs of the anchor break nothing.
func broken(attempts []Attempt) []Broken {
	var list []Broken
	for i, t := range attempts {
		if i == 0 || t.Void == "" || t.Side == Anchor || attempts[i-1].Step != t.Step || attempts[i-1].Void == "" {
			continue
		}
		if !slices.ContainsFunc(list, func(b Broken) bool { return b.side == t.Side }) {
			list = append(list, Broken{Side: t.Side.String(), Step: t.Step.String(), Why: t.Void, side: t.Side})
		}
	}
	return list
}
