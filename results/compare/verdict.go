package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"cometbench/results"
	"cometbench/results/stat"
	"cometbench/subject"
)

// Outcome is the result of a comparison in two or three words.
type Outcome string

// The outcomes.
const (
	NoRegression Outcome = "no regression"
	Regression   Outcome = "regression"
	// Unknown means that these runs can't decide it.
	Unknown Outcome = "could not tell"
)

// ExitCode returns the exit status that stands for the outcome: 0 for no
// regression, 1 for one, 2 if it couldn't be told.
func (o Outcome) ExitCode() int {
	switch o {
	case NoRegression:
		return 0
	case Regression:
		return 1
	}
	return 2
}

// Subject is one of the brokers.
type Subject struct {
	Name     string           `json:"name"`
	Software subject.Software `json:"software"`
	Runs     int              `json:"runs"` // that count
	Void     int              `json:"void"` // that don't
}

// VoidRun is a run without figures.
type VoidRun struct {
	Step string `json:"step"`
	Side string `json:"side"`
	Why  string `json:"why"`
}

// Broken is a side that couldn't be run.
type Broken struct {
	Side string `json:"side"`
	Step string `json:"step"`
	Why  string `json:"why"`

	side Side
}

// Verdict is the result of a comparison.
type Verdict struct {
	Outcome Outcome `json:"outcome"`
	// Reasons are what the outcome rests on, in words, the gravest first.
	Reasons []string `json:"reasons"`
	Old     Subject  `json:"old"`
	New     Subject  `json:"new"`
	Anchor  Subject  `json:"anchor"`
	// Count is the number of runs per side and cell that was asked for.
	Count int `json:"count"`
	// Alpha is the accepted probability of a false alarm, over all rows.
	Alpha       float64   `json:"alpha"`
	Rows        []Row     `json:"rows"`
	Losses      []Loss    `json:"losses"`
	Broken      []Broken  `json:"broken"`
	Void        []VoidRun `json:"void"`
	Drift       Drift     `json:"drift"`
	Interrupted string    `json:"interrupted,omitempty"`
	// Config describes machine and software.
	Config []results.ConfigLine `json:"-"`

	tests      int     // deciding rows
	mustDetect float64 // the least slowdown that each has to be able to detect
}

// WriteJSON writes the verdict for programs.
func (v *Verdict) WriteJSON(w io.Writer) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// conclude sets the outcome and its reasons. A regression that was found
// stands, whatever else went wrong; no regression needs that nothing did.
func (v *Verdict) conclude() {
	var found, doubts []string
	for _, b := range v.Broken {
		text := fmt.Sprintf("the %s broker can't be run (%s): %s", b.Side, b.Step, brief(b.Why))
		if b.side == New && !slices.ContainsFunc(v.Broken, func(b Broken) bool { return b.side == Old }) {
			found = append(found, text)
		} else {
			doubts = append(doubts, text)
		}
	}
	for _, l := range v.Losses {
		switch l.Finding {
		case Slower:
			found = append(found, l.String())
		case Suspected:
			doubts = append(doubts, l.String()+": significant only by itself")
		}
	}
	if v.Drift.Found {
		doubts = append(doubts, v.Drift.String())
	}
	for _, r := range v.Rows {
		switch {
		case r.Finding != Slower:
		case v.Drift.Found && float64(r.Slowdown) <= v.Drift.Size:
			doubts = append(doubts, r.String()+", which is no more than the machine drifted")
		default:
			found = append(found, r.String())
		}
	}
	doubts = append(doubts, v.rowDoubts()...)
	if len(v.Void) > 0 && len(v.Broken) == 0 {
		doubts = append(doubts, fmt.Sprintf("%s, the first: %s: %s",
			counted(len(v.Void), "run is void", "runs are void"), v.Void[0].Step, brief(v.Void[0].Why)))
	}
	if v.Interrupted != "" {
		doubts = append(doubts, "not all runs were made: "+v.Interrupted)
	}
	if v.tests == 0 && len(v.Broken) == 0 {
		doubts = append(doubts, "there is nothing to compare")
	}
	switch {
	case len(found) > 0:
		v.Outcome = Regression
	case len(doubts) > 0:
		v.Outcome = Unknown
	default:
		v.Outcome = NoRegression
	}
	v.Reasons = append(found, doubts...)
}

// rowDoubts returns, in words, the rows that leave the outcome open.
func (v *Verdict) rowDoubts() []string {
	var doubts []string
	few := 0
	for _, r := range v.Rows {
		switch r.Finding {
		case Suspected:
			doubts = append(doubts, r.String()+": significant only if it were the only row")
		case Noisy:
			doubts = append(doubts, fmt.Sprintf("%s: too noisy, only a slowdown of %s would have been found%s",
				r.name(), atLeast(r.Detectable), v.remedy(r)))
		case TooFew:
			few = max(few, r.NeedRuns)
		}
	}
	if few > 0 && len(v.Broken) == 0 {
		doubts = append(doubts, fmt.Sprintf("too few runs: no outcome of %d a side could be significant over %d "+
			"rows, %d are needed", v.Count, v.tests, few))
	}
	return doubts
}

// remedy returns, in words, how many runs a noisy row would take, where more
// runs are a remedy. What they can detect falls faster than with the root of their number
// at first: from 10 to 30 runs of normal noise of 12 to 20 %, with the power
// 1/1.3 of it.
func (v *Verdict) remedy(r Row) string {
	times := math.Pow(float64(r.Detectable)/v.mustDetect, 1.3)
	if times > 4 {
		return ""
	}
	return fmt.Sprintf(" (about %.0f runs a side would find one of %s)", math.Ceil(float64(v.Count)*times),
		stat.FormatPercent(v.mustDetect))
}

// Detects describes what the comparison could have detected: "10 runs a side detect
// a slowdown of 4.1 % or more (author-events/s) …".
func (v *Verdict) Detects() string {
	best, worst := Row{}, Row{}
	for _, r := range v.Rows {
		if !r.Decides {
			continue
		}
		if best.Cell == "" || r.Detectable < best.Detectable {
			best = r
		}
		if worst.Cell == "" || r.Detectable > worst.Detectable {
			worst = r
		}
	}
	if best.Cell == "" {
		return ""
	}
	text := fmt.Sprintf("%d runs a side detect a slowdown of %s (%s)", v.Count, atLeast(best.Detectable), best.name())
	if worst.Detectable > best.Detectable {
		text += fmt.Sprintf(", in the noisiest row one of %s (%s)", atLeast(worst.Detectable), worst.name())
	}
	return text
}

// brief shortens a reason that has the end of a log in it to its first line and
// its last two. The rest is in the list of void runs.
func brief(why string) string {
	lines := strings.Split(strings.TrimSpace(why), "\n")
	if len(lines) > 4 {
		lines = append(append(lines[:1:1], "…"), lines[len(lines)-2:]...)
	}
	return strings.Join(lines, "\n")
}

func atLeast(n number) string {
	if float64(n) > undetected {
		return "more than " + stat.FormatPercent(undetected)
	}
	return stat.FormatPercent(float64(n)) + " or more"
}

func (r Row) name() string { return r.Cell + " " + r.Unit }

// String describes the row's change for people.
func (r Row) String() string {
	direction := "slower"
	amount := float64(r.Slowdown)
	if amount < 0 {
		direction, amount = "faster", -amount
	}
	return fmt.Sprintf("%s: %s %s (%s → %s, p=%.2g, corrected %.2g)",
		r.name(), stat.FormatPercent(amount), direction, stat.FormatRate(float64(r.Old.Median)),
		stat.FormatRate(float64(r.New.Median)), r.P, r.Adjusted)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
