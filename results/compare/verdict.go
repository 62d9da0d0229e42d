package compare

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/paired"
)

// Outcome is what a comparison says in the end.
type Outcome string

// The outcomes.
const (
	NoRegression Outcome = "no regression"
	Regression   Outcome = "regression"
	// Identical means that both brokers are the same program, so that nothing
	// was measured.
	Identical Outcome = "identical"
	// Unknown means that these rounds can't tell.
	Unknown Outcome = "could not tell"
)

// ExitCode returns the exit status that stands for the outcome: 0 for no
// regression and for the same program, 1 for a regression, 2 if it couldn't be
// told.
func (o Outcome) ExitCode() int {
	switch o {
	case NoRegression, Identical:
		return 0
	case Regression:
		return 1
	}
	return 2
}

// Broken is a side that couldn't be run.
type Broken struct {
	Side Side
	Cell string
	Why  string
}

// Verdict is the result of a comparison.
type Verdict struct {
	Outcome Outcome
	// Reasons say in words what the outcome is founded on, the gravest first.
	Reasons  []string
	Old, New Subject
	Rules    paired.Rules
	Rows     paired.Rows
	Losses   []Loss
	Broken   []Broken
	// Void are the reasons of void rounds, Rounds how many aren't void, and
	// Equals how many of these had the old broker on both sides.
	Void           []string
	Rounds, Equals int
	Asides         []Aside
	Took           time.Duration
	Config         []results.ConfigLine
	// Started is when the first round began, and Levels what each side took.
	Started time.Time
	Levels  []Level
	// Stored says of what the old broker's figures are, where they were measured
	// in an earlier comparison.
	Stored string
	// Decided says that more rounds wouldn't change the outcome.
	Decided bool

	cells []string
}

// Judge judges the rounds that there are by now.
func Judge(in Input, o Options) *Verdict {
	rules := o.rules()
	v := &Verdict{
		Old: in.Old, New: in.New, Rules: rules, Took: in.Took, Config: in.Config,
		Rows: in.rows(rules), Losses: in.losses(rules.Alpha), Broken: in.broken(),
		Started: in.Started, Levels: in.levels(),
	}
	if in.Identical {
		v.Outcome, v.Decided = Identical, true
		v.Reasons = []string{"the same files are installed and started alike, so that nothing was measured"}
		return v
	}
	for _, c := range in.Cells {
		v.cells = append(v.cells, Name(c))
		v.Asides = append(v.Asides, in.aside(c))
	}
	for _, r := range in.Rounds {
		switch {
		case r.Void != "":
			v.Void = append(v.Void, Name(r.Cell)+": "+r.Void)
			continue
		case r.Equals:
			v.Equals++
		}
		v.Rounds++
	}
	v.conclude(in)
	return v
}

// measured reports whether there is something to show in tables and figures.
// Where a broker couldn't be run, what little ran of it would look like a result.
func (v *Verdict) measured() bool { return v.Rounds > 0 && len(v.Broken) == 0 }

// conclude sets the outcome and its reasons. A regression that was found
// stands, whatever else went wrong; no regression needs that nothing did.
func (v *Verdict) conclude(in Input) {
	var found, doubts []string
	for _, b := range v.Broken {
		text := fmt.Sprintf("the %s broker can't be run (%s): %s", b.Side, b.Cell, brief(b.Why))
		// Alone it may be the machine that starts nothing.
		if b.Side == New && len(v.Broken) == 1 && v.Stored == "" {
			found = append(found, text)
		} else {
			doubts = append(doubts, text)
		}
	}
	v.Decided = len(v.Broken) > 0
	for _, l := range v.Losses {
		switch l.Finding {
		case paired.Slower:
			found = append(found, l.String())
			v.Decided = v.Decided || l.gross()
		case paired.Open:
			doubts = append(doubts, l.String()+": significant only by itself")
		}
	}
	if len(v.Broken) == 0 {
		v.Decided = v.Decided || v.Rows.Conclude() != paired.Open
		for _, cell := range v.cells {
			rows := v.Rows.Of(cell)
			switch rows.Conclude() {
			case paired.Slower:
				found = append(found, cell+": "+describe(rows))
			case paired.Open:
				doubts = append(doubts, cell+": "+describe(rows))
			}
		}
		doubts = append(doubts, in.voidCells()...)
		if why := in.hopeless(); why != "" {
			v.Decided = true
			doubts = append(doubts, "one round after another is void: "+brief(why))
		}
	}
	if in.Interrupted != "" {
		doubts = append(doubts, "not all rounds were made: "+in.Interrupted)
	}
	biased := slices.ContainsFunc(v.Rows, func(r paired.Row) bool { return r.Decides && r.Biased })
	switch {
	case len(found) > 0 && (!biased || len(v.Broken) > 0 || len(v.Losses) > 0):
		v.Outcome = Regression
	case len(found)+len(doubts) > 0 || len(v.cells) == 0:
		v.Outcome = Unknown
	default:
		v.Outcome = NoRegression
	}
	v.Reasons = append(found, doubts...)
}

// Clear reports whether a cell needs no more rounds.
func (v *Verdict) Clear(cell matrix.Cell) bool {
	return v.Rows.Of(Name(cell)).Conclude() == paired.Clear
}

// brief leaves of a reason with the tail of a log its begin and its end: what
// happened, and what was said last. The rest is in the list of void rounds.
func brief(why string) string {
	lines := strings.Split(strings.TrimSpace(why), "\n")
	if len(lines) > 4 {
		lines = append(append(lines[:1:1], "…"), lines[len(lines)-2:]...)
	}
	return strings.Join(lines, "\n")
}
