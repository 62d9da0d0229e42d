package figure

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
)

// log2 is a logarithmic scale. (Unlike [plot.LogScale] it doesn't panic.)
type log2 struct{}

// Normalize implements [plot.Normalizer].
func (log2) Normalize(min, max, x float64) float64 {
	return math.Log2(x/min) / math.Log2(max/min)
}

// scaleOf returns the scale and the limits of the x axis for the places on it,
// with some air beside the outermost.
func (a Axis) scaleOf(xs []float64) (s plot.Normalizer, lo, hi float64) {
	lo, hi = xs[0], xs[len(xs)-1]
	if a == Connections {
		air := max(1.15, math.Pow(hi/lo, 0.05))
		if lo == hi {
			air = 2
		}
		return log2{}, lo / air, hi * air
	}
	air := (hi - lo) * 0.05
	if a == Brokers {
		air = 0.5
	} else if lo == hi {
		air = max(lo/2, 1)
	}
	return plot.LinearScale{}, lo - air, hi + air
}

// valueTicks returns the round values from lo to hi at which a y axis of the given
// length has its ticks.
func valueTicks(lo, hi float64, length vg.Length) []float64 {
	most := max(2, float64(length)/22)
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/most)))
	for _, m := range []float64{1, 2, 2.5, 5, 10, 20} {
		if (hi-lo)/(step*m) <= most {
			step *= m
			break
		}
	}
	var list []float64
	for i := math.Ceil(lo / step); i*step <= hi*(1+1e-9); i++ {
		list = append(list, i*step)
	}
	return list
}

// thin reports which labels, centred at the rising places at and as wide as
// widths, can be written without touching: each, each second or third if that
// is enough, counted from the last, else as many as fit.
func thin(at, widths []vg.Length, gap vg.Length) []bool {
	free := func(keep []bool) bool {
		last := -1
		for i, k := range keep {
			if !k {
				continue
			}
			if last >= 0 && at[i]-widths[i]/2 < at[last]+widths[last]/2+gap {
				return false
			}
			last = i
		}
		return true
	}
	for step := 1; step <= 3; step++ {
		keep := make([]bool, len(at))
		for i := range keep {
			keep[i] = (len(at)-1-i)%step == 0
		}
		if free(keep) {
			return keep
		}
	}
	keep := make([]bool, len(at))
	for i := range slices.Backward(at) {
		keep[i] = true
		keep[i] = free(keep)
	}
	return keep
}

// shareScales returns, for each panel, the upper limit of its y axis. Panels
// share one limit unless that would leave one with less than a quarter of its
// height: so the slow ones can be read beside a fast one, at a second scale.
func shareScales(tops []float64) []float64 {
	const most, air = 4, 1.06
	sorted := slices.Clone(tops)
	slices.Sort(sorted)
	slices.Reverse(sorted)
	limits := make([]float64, len(tops))
	for i, top := range tops {
		limit := sorted[0]
		for _, t := range sorted {
			if t < limit/most && t >= top {
				limit = t
			}
		}
		limits[i] = limit * air
		if limit <= 0 {
			limits[i] = 1
		}
	}
	return limits
}
