package compare

import (
	"fmt"
	"math"

	"cometbench/results/stat"
)

const (
	driftRuns   = 6    // the fewest runs of the anchor that can show a drift
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
	// slope (Theil–Sen), and TrendP the P of Mann and Kendall's test.
	Trend  number  `json:"trend"`
	TrendP float64 `json:"trend_p"`
	// Found reports whether the machine drifted, and Size by how much at most.
	Found bool    `json:"found"`
	Size  float64 `json:"size"`
}

// String describes the drift for people.
func (d Drift) String() string {
	switch {
	case d.Runs < driftRuns:
		return fmt.Sprintf("%d runs of the anchor: too few to tell whether the machine drifted (%d are needed)",
			d.Runs, driftRuns)
	case d.Found:
		return fmt.Sprintf("the machine drifted: the anchor's rate changed by %s between the halves (p=%.3f), by %s "+
			"from the first of %d runs to the last (p=%.3f)",
			stat.FormatPercent(float64(d.Shift)), d.ShiftP, stat.FormatPercent(float64(d.Trend)), d.Runs, d.TrendP)
	}
	return fmt.Sprintf("the machine held still: no drift of the anchor's rate over %d runs", d.Runs)
}

// findDrift reports whether the anchor, which is the same in every run, changed.
// Runs alternate, so that a drift affects both sides alike and favours none; but
// it shows that something else was at work on the machine.
func findDrift(rates []float64) Drift {
	d := Drift{Runs: len(rates), ShiftP: 1, TrendP: 1}
	if len(rates) < driftRuns {
		return d
	}
	half := len(rates) / 2
	first, second := rates[:half], rates[len(rates)-half:]
	d.Shift = number(ratio(stat.Median(second), stat.Median(first)))
	d.ShiftP = stat.MannWhitney(first, second)
	d.Trend = number(stat.TheilSen(rates) * float64(len(rates)-1) / stat.Median(rates))
	_, d.TrendP = stat.MannKendall(rates)
	if s := math.Abs(float64(d.Shift)); d.ShiftP <= driftAlpha && s >= driftEffect {
		d.Found, d.Size = true, s
	}
	if s := math.Abs(float64(d.Trend)); d.TrendP <= driftAlpha && s >= driftEffect {
		d.Found, d.Size = true, max(d.Size, s)
	}
	return d
}
