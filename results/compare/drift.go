package compare

import (
	"fmt"
	"math"

	"cometbench/results"

	"golang.org/x/perf/benchmath"
)

const (
	driftRuns   = 6    // of the anchor at least, to say anything
	driftAlpha  = 0.01 // of each of the two tests
	driftEffect = 0.05 // a smaller drift than this is not mentioned
)

// Drift is how the anchor's rate went over the comparison.
type Drift struct {
	Runs int `json:"runs"`
	// Shift is the second half's median over the first's, less 1.
	Shift  number  `json:"shift"`
	ShiftP float64 `json:"shift_p"`
	// Trend is the change from the first run to the last along the median
	// slope (Theil–Sen), and TrendP that of Mann and Kendall's test.
	Trend  number  `json:"trend"`
	TrendP float64 `json:"trend_p"`
	// Found says that the machine drifted, and Size by how much at most.
	Found bool    `json:"found"`
	Size  float64 `json:"size"`
}

// String says what is known, for a person.
func (d Drift) String() string {
	switch {
	case d.Runs < driftRuns:
		return fmt.Sprintf("%d runs of the anchor: too few to tell whether the machine drifted (%d are needed)", d.Runs, driftRuns)
	case d.Found:
		return fmt.Sprintf("the machine drifted: the anchor's rate changed by %s between the halves (p=%.3f), by %s from the first of %d runs to the last (p=%.3f)",
			percent(float64(d.Shift)), d.ShiftP, percent(float64(d.Trend)), d.Runs, d.TrendP)
	}
	return fmt.Sprintf("the machine held still: no drift of the anchor's rate over %d runs", d.Runs)
}

// drift tells whether the anchor, which is the same in every run, changed.
// Runs alternate, so that a drift meets both sides alike and favours none; but
// it says that something else was at work on the machine.
func drift(runs []*results.Run) Drift {
	return driftOf(figures(results.RoleAuthor.Unit(), runs))
}

func driftOf(rates []float64) Drift {
	d := Drift{Runs: len(rates), ShiftP: 1, TrendP: 1}
	if len(rates) < driftRuns {
		return d
	}
	half := len(rates) / 2
	first, second := rates[:half], rates[len(rates)-half:]
	d.Shift = number(ratio(median(second), median(first)))
	d.ShiftP = min(1, benchmath.AssumeNothing.Compare(sample(first), sample(second)).P)

	var slopes []float64
	score := 0.0
	for i := range rates {
		for j := i + 1; j < len(rates); j++ {
			slopes = append(slopes, (rates[j]-rates[i])/float64(j-i))
			switch {
			case rates[j] > rates[i]:
				score++
			case rates[j] < rates[i]:
				score--
			}
		}
	}
	n := float64(len(rates))
	d.Trend = number(median(slopes) * (n - 1) / median(rates))
	if math.Abs(score) > 1 {
		z := (math.Abs(score) - 1) / math.Sqrt(n*(n-1)*(2*n+5)/18)
		d.TrendP = math.Erfc(z / math.Sqrt2)
	}
	if s := math.Abs(float64(d.Shift)); d.ShiftP <= driftAlpha && s >= driftEffect {
		d.Found, d.Size = true, s
	}
	if s := math.Abs(float64(d.Trend)); d.TrendP <= driftAlpha && s >= driftEffect {
		d.Found, d.Size = true, max(d.Size, s)
	}
	return d
}
