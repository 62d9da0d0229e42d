package compare

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"cometbench/matrix"
	"cometbench/results"

	"golang.org/x/perf/benchmath"
)

// Finding is what a deciding row says.
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
	// Decides says whether the row is one of those that the gate looks at.
	Decides bool   `json:"decides"`
	Old     Center `json:"old"`
	New     Center `json:"new"`
	// Change is new/old - 1 of the medians, as benchstat prints it.
	Change number `json:"change"`
	// Slowdown is how much more time an event takes: of a rate, old/new - 1;
	// below zero it takes less. It is what the effect size is held against.
	Slowdown number `json:"slowdown"`
	// P is the probability of a difference like this between equals.
	P float64 `json:"p"`
	// Adjusted is P after Holm's correction, of a deciding row.
	Adjusted float64 `json:"p_corrected,omitempty"`
	// Effect is the least slowdown that counts.
	Effect float64 `json:"effect,omitempty"`
	// Detectable is the least slowdown that runs as many and as noisy as
	// these show as a regression four times out of five; null: none.
	Detectable number `json:"detectable"`
	// NeedRuns is the least number of runs a side of which any outcome could
	// be significant.
	NeedRuns int     `json:"need_runs,omitempty"`
	Finding  Finding `json:"finding,omitempty"`

	old, new []float64
	point    matrix.Cell
}

// decides says which metrics decide; see the package comment.
func decides(unit string) bool {
	return unit == results.RoleAuthor.Unit() || unit == results.RoleSubscriber.Unit()
}

// informative says which of a run's metrics are the broker's: how long the run
// took to set up, what the harness used, and the delay are not. Missing events
// are judged by counts.
func informative(unit string) bool {
	switch unit {
	case "sec/op", "author-events/s", "broker-events/s", "subscriber-events/s":
		return true
	}
	return false
}

// compareCell returns the rows of a cell.
func compareCell(cell matrix.Cell, old, new []*results.Run, o Options) []Row {
	units := []string{"sec/op"}
	for _, r := range old {
		for _, m := range r.Metrics() {
			if !slices.Contains(units, m.Unit) {
				units = append(units, m.Unit)
			}
		}
	}
	effect := o.Effect
	if bound(cell, old) {
		effect = o.BoundEffect
	}
	var rows []Row
	for _, unit := range units {
		if !informative(unit) {
			continue
		}
		r := compareRow(unit, figures(unit, old), figures(unit, new))
		r.Cell, r.point = cellName(cell), cell
		if r.Decides = decides(unit); r.Decides {
			r.Effect = effect
		}
		rows = append(rows, r)
	}
	return rows
}

// figures returns one metric of the runs.
func figures(unit string, runs []*results.Run) []float64 {
	var values []float64
	for _, r := range runs {
		if unit == "sec/op" {
			values = append(values, r.Author.Elapsed.Seconds())
			continue
		}
		for _, m := range r.Metrics() {
			if m.Unit == unit {
				values = append(values, m.Value)
			}
		}
	}
	return values
}

// compareRow compares the figures of one metric.
func compareRow(unit string, old, new []float64) Row {
	r := Row{Unit: unit, P: 1, Detectable: number(math.Inf(1)), old: old, new: new,
		Change: number(math.NaN()), Slowdown: number(math.NaN())}
	if len(old) == 0 || len(new) == 0 {
		r.Old, r.New = center(old), center(new)
		return r
	}
	r.Old, r.New = center(old), center(new)
	r.P = min(1, benchmath.AssumeNothing.Compare(sample(old), sample(new)).P)
	a, b := float64(r.Old.Median), float64(r.New.Median)
	r.Change = number(ratio(b, a))
	r.Slowdown = r.Change
	if results.Better(unit) == "higher" {
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

func sample(values []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
}

func center(values []float64) Center {
	if len(values) == 0 {
		return Center{Median: number(math.NaN()), Lo: number(math.NaN()), Hi: number(math.NaN())}
	}
	s := benchmath.AssumeNothing.Summary(sample(values), 0.95)
	return Center{len(values), number(s.Center), number(s.Lo), number(s.Hi)}
}

// boundShare is the share of a transaction that the delay must make up for the
// cell to count as decided by the latency.
const boundShare = 0.75

// bound says whether the latency decides the cell's rate: where the old broker
// reaches most of what conns connections could if it took no time itself.
func bound(cell matrix.Cell, old []*results.Run) bool {
	if cell.Latency == 0 || len(old) == 0 {
		return false
	}
	limit := cell.TheoreticalRate(cell.Latency, 0)
	return median(figures(results.RoleAuthor.Unit(), old)) >= boundShare*limit
}

// median returns the middle value, of an even number the mean of the two.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// holm corrects the P of the deciding rows for their number, which it returns
// (Holm 1979: the k-th smallest of m times m-k+1, never less than one before).
func holm(rows []Row) int {
	var order []int
	for i := range rows {
		if rows[i].Decides {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case rows[a].P < rows[b].P:
			return -1
		case rows[a].P > rows[b].P:
			return 1
		}
		return 0
	})
	least := 0.0
	for k, i := range order {
		least = max(least, min(1, rows[i].P*float64(len(order)-k)))
		rows[i].Adjusted = least
	}
	return len(order)
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
	case minP(len(r.old), len(r.new)) > o.Alpha/float64(tests):
		r.Finding = TooFew
	case slow && r.P <= o.Alpha:
		r.Finding = Suspected
	default:
		r.Finding = Same
	}
}

// minP returns the least P that samples of n and m values can have: all of one
// side below all of the other, 2 out of n+m over n orders.
func minP(n, m int) float64 {
	if n == 0 || m == 0 {
		return 1
	}
	p := 2.0
	for i := 1; i <= n; i++ {
		p *= float64(i) / float64(m+i)
	}
	return min(1, p)
}

// needRuns returns the least n for which n runs a side can be significant.
func needRuns(alpha float64) int {
	n := 1
	for minP(n, n) > alpha && n < 1000 {
		n++
	}
	return n
}

// percent writes a fraction for a person: "4.8 %", "12 %".
func percent(f float64) string {
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		return "?"
	case math.Abs(f) < 0.0995:
		return strconv.FormatFloat(100*f, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(100*f, 'f', 0, 64) + " %"
}
