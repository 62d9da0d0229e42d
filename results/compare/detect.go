package compare

import (
	"math"
	"math/rand/v2"
	"slices"

	"cometbench/results/stat"
)

const (
	power       = 0.8 // of a slowdown that counts as detectable
	simulations = 400
	undetected  = 4.0 // a slowdown beyond which none is looked for
)

// detect finds the least slowdown that would have been found with the number and
// spread of these runs, by simulation: two samples are drawn from the residuals
// of both sides, one is slowed down, and the row is judged as the real one is,
// by the strictest of Holm's steps.
func (r *Row) detect(tests int, o Options) {
	if !r.Decides || r.Finding == TooFew {
		return
	}
	r.Detectable = number(detectable(r.old, r.new, r.Effect, o.Alpha/float64(tests)))
	if r.Finding == Same && float64(r.Detectable) > o.MustDetect {
		r.Finding = Noisy
	}
}

// detectable returns the least slowdown found with the power, +Inf if there is
// none. The figures are rates.
func detectable(old, new []float64, effect, alpha float64) float64 {
	n, m := len(old), len(new)
	limit := criticalU(n, m, alpha)
	residuals := append(deviations(old), deviations(new)...)
	if limit < 0 || len(residuals) == 0 {
		return math.Inf(1)
	}
	rng := rand.New(rand.NewPCG(1, 2)) // the same runs give the same verdict
	draw := func(n int) []float64 {
		values := make([]float64, n)
		for i := range values {
			// A rate can't fall to zero; the jitter parts what would be ties.
			values[i] = max(0.01, 1+residuals[rng.IntN(len(residuals))]+1e-9*rng.NormFloat64())
		}
		slices.Sort(values)
		return values
	}
	type samples struct{ old, new []float64 }
	drawn := make([]samples, simulations)
	for i := range drawn {
		drawn[i] = samples{draw(n), draw(m)}
	}
	found := func(slowdown float64) bool {
		hits := 0
		for _, s := range drawn {
			factor := 1 / (1 + slowdown)
			medians := stat.MedianSorted(s.old) / (stat.MedianSorted(s.new) * factor)
			if medians-1 >= effect && float64(above(s.new, s.old, factor)) <= limit {
				hits++
			}
		}
		return float64(hits) >= power*simulations
	}
	lo, hi := 0.0, undetected
	if !found(hi) {
		return math.Inf(1)
	}
	for hi-lo > 0.0005 {
		if mid := (lo + hi) / 2; found(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}

// deviations returns the values' relative distances from their median, widened
// for the degree of freedom that the median takes. Values about a median of
// zero have none.
func deviations(values []float64) []float64 {
	if len(values) < 2 {
		return nil
	}
	m := stat.Median(values)
	if m <= 0 {
		return nil
	}
	widen := math.Sqrt(float64(len(values)) / float64(len(values)-1))
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = (v/m - 1) * widen
	}
	return out
}

// above counts how often factor times a value of the first sample is above one
// of the second: the U statistic of sorted samples without ties.
func above(first, second []float64, factor float64) int {
	u, j := 0, 0
	for _, v := range first {
		for j < len(second) && second[j] < v*factor {
			j++
		}
		u += j
	}
	return u
}

// criticalU returns the greatest U that is significant at level alpha, -1 if
// none is. It asks the test itself: P grows with U.
func criticalU(n, m int, alpha float64) float64 {
	lo, hi := -1, n*m/2+1 // lo is significant, hi isn't
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; pOfU(n, m, mid) <= alpha {
			lo = mid
		} else {
			hi = mid
		}
	}
	return float64(lo)
}

// pOfU returns the P of two samples without ties whose U statistic is u.
func pOfU(n, m, u int) float64 {
	second := make([]float64, m)
	for i := range second {
		second[i] = float64(i + 1)
	}
	first := make([]float64, n)
	for i := range first {
		k := min(m, u) // this value stands above k of the second side's
		u -= k
		first[i] = float64(k) + 0.25 + float64(i)/float64(4*n)
	}
	return stat.MannWhitney(first, second)
}
