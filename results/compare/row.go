package compare

import (
	"encoding/json"
	"math"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/stat"
)

// Finding is the result of a deciding row.
type Finding string

// The findings. A row that doesn't decide has none.
const (
	Same      Finding = "same"      // no significant change of the effect size
	Slower    Finding = "slower"    // a regression
	Faster    Finding = "faster"    // an improvement
	Suspected Finding = "suspected" // slower, and significant only if it were the only row
	TooFew    Finding = "too few"   // no outcome of so few runs could be significant
	Noisy     Finding = "noisy"     // only a great slowdown could have been detected
)

// number is a float64 that JSON writes as null where it has no number for it.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if f := float64(n); !math.IsNaN(f) && !math.IsInf(f, 0) {
		return json.Marshal(f)
	}
	return []byte("null"), nil
}

// Center is the median of one side's figures and its confidence interval at
// 95 %, in the metric's unit.
type Center struct {
	Runs   int    `json:"runs"`
	Median number `json:"median"`
	Lo     number `json:"lo"` // null where the runs are too few for an interval
	Hi     number `json:"hi"`
}

// Row compares one metric of one cell.
type Row struct {
	Cell string `json:"cell"`
	Unit string `json:"unit"`
	// Decides reports whether the row is one of those that decide.
	Decides bool   `json:"decides"`
	Old     Center `json:"old"`
	New     Center `json:"new"`
	// Change is new/old - 1 of the medians, as benchstat prints it.
	Change number `json:"change"`
	// Slowdown is how much more time an event takes: of a rate, old/new - 1;
	// below zero it takes less. The effect size is a threshold for it.
	Slowdown number `json:"slowdown"`
	// P is the probability of a difference like this between equals.
	P float64 `json:"p"`
	// Adjusted is P after Holm's correction, of a deciding row.
	Adjusted float64 `json:"p_corrected,omitempty"`
	// Effect is the least slowdown that counts.
	Effect float64 `json:"effect,omitempty"`
	// Detectable is the least slowdown that so many runs, as noisy as these,
	// show as a regression four times out of five; null: none.
	Detectable number `json:"detectable"`
	// NeedRuns is the least number of runs per side that can have a significant
	// outcome.
	NeedRuns int     `json:"need_runs,omitempty"`
	Finding  Finding `json:"finding,omitempty"`

	old, new []float64
	point    matrix.Cell
}

// compareCell returns the rows of a cell: the compared metrics that the old
// broker's runs have.
func compareCell(cell matrix.Cell, old, new []*results.Run, o Options) []Row {
	effect := o.Effect
	if bound(cell, old) {
		effect = o.BoundEffect
	}
	var rows []Row
	for _, m := range results.Metrics() {
		before := figures(m, old)
		if !m.Compared || len(before) == 0 {
			continue
		}
		r := compareRow(m, before, figures(m, new))
		r.Cell, r.point = cellName(cell), cell
		if r.Decides = m.Decides; r.Decides {
			r.Effect = effect
		}
		rows = append(rows, r)
	}
	return rows
}

// figures returns one metric of the runs that have it.
func figures(m results.Metric, runs []*results.Run) []float64 {
	var values []float64
	for _, r := range runs {
		if m.Has(r) {
			values = append(values, m.Of(r))
		}
	}
	return values
}

// authorRates returns the author's rate of each run.
func authorRates(runs []*results.Run) []float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = r.AuthorRate()
	}
	return values
}

// compareRow compares the figures of one metric.
func compareRow(m results.Metric, old, new []float64) Row {
	r := Row{Unit: m.Unit, P: stat.MannWhitney(old, new), Detectable: number(math.Inf(1)), old: old, new: new,
		Old: center(old), New: center(new), Change: number(math.NaN()), Slowdown: number(math.NaN())}
	if len(old) == 0 || len(new) == 0 {
		return r
	}
	a, b := float64(r.Old.Median), float64(r.New.Median)
	r.Change = number(ratio(b, a))
	r.Slowdown = r.Change
	if m.Better == "higher" {
		r.Slowdown = number(ratio(a, b))
	}
	return r
}

// ratio returns a/b - 1, infinite where only b is zero.
func ratio(a, b float64) float64 {
	if a == b {
		return 0
	}
	return a/b - 1
}

func center(values []float64) Center {
	if len(values) == 0 {
		return Center{Median: number(math.NaN()), Lo: number(math.NaN()), Hi: number(math.NaN())}
	}
	s := stat.MedianInterval(values)
	return Center{len(values), number(s.Value), number(s.Lo), number(s.Hi)}
}

// boundShare is the share of a transaction that the delay must make up for the
// cell to count as decided by the latency.
const boundShare = 0.75

// bound reports whether the latency decides the cell's rate: the old broker
// reaches most of what conns connections could if it took no time itself.
func bound(cell matrix.Cell, old []*results.Run) bool {
	if cell.Latency == 0 || len(old) == 0 {
		return false
	}
	limit := cell.TheoreticalRate(cell.Latency, 0)
	return stat.Median(authorRates(old)) >= boundShare*limit
}

// correct sets the Adjusted of the deciding rows and returns their number.
func correct(rows []Row) int {
	var deciding []*Row
	var p []float64
	for i := range rows {
		if rows[i].Decides {
			deciding = append(deciding, &rows[i])
			p = append(p, rows[i].P)
		}
	}
	for i, adjusted := range stat.Holm(p) {
		deciding[i].Adjusted = adjusted
	}
	return len(deciding)
}

// judge sets the finding of a deciding row among tests of them.
func (r *Row) judge(tests int, o Options) {
	if !r.Decides {
		return
	}
	r.NeedRuns = needRuns(o.Alpha / float64(tests))
	slow, fast := float64(r.Slowdown) >= r.Effect, float64(r.Slowdown) <= -r.Effect/(1+r.Effect)
	switch {
	case slow && r.Adjusted <= o.Alpha:
		r.Finding = Slower
	case fast && r.Adjusted <= o.Alpha:
		r.Finding = Faster
	case stat.LeastP(len(r.old), len(r.new)) > o.Alpha/float64(tests):
		r.Finding = TooFew
	case slow && r.P <= o.Alpha:
		r.Finding = Suspected
	default:
		r.Finding = Same
	}
}

// needRuns returns the least number of runs per side that can be significant.
func needRuns(alpha float64) int {
	n := 1
	for stat.LeastP(n, n) > alpha && n < 1000 {
		n++
	}
	return n
}
