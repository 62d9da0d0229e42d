// Package stat has the statistics that results are judged by: medians and
// their intervals, a test of two samples, a test for a trend and its slope, the
// correction for many tests; and how rates and shares are written.
//
// Functions assume nothing of the distribution of the values, unless they say so.
// They neither change nor keep the slices that they are given.
package stat

import (
	"cmp"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Confidence is the level of all confidence intervals.
const Confidence = 0.95

// Median returns the middle value, of an even number the mean of the two, and
// 0 of none.
func Median[T ~int64 | ~float64](values []T) T {
	return MedianSorted(slices.Sorted(slices.Values(values)))
}

// MedianSorted is [Median] of values in rising order.
func MedianSorted[T ~int64 | ~float64](sorted []T) T {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Interval is a value between the bounds of its confidence interval.
type Interval struct{ Value, Lo, Hi float64 }

// MedianInterval returns the median of at least one value with the interval
// that order statistics give. For fewer than six values it is infinite to one
// side or both.
func MedianInterval(values []float64) Interval {
	s := benchmath.AssumeNothing.Summary(sample(values), Confidence)
	return Interval{s.Center, s.Lo, s.Hi}
}

// MeanInterval returns the mean of at least one value with Student's interval,
// which assumes that means are normally distributed.
func MeanInterval(values []float64) Interval {
	s := benchmath.AssumeNormal.Summary(sample(values), Confidence)
	return Interval{s.Center, s.Lo, s.Hi}
}

// MannWhitney returns the probability of a difference like that of two samples,
// in either direction, if both are of one distribution (Mann–Whitney U test). It
// is 1 where either sample is empty.
func MannWhitney(a, b []float64) float64 {
	return min(1, benchmath.AssumeNothing.Compare(sample(a), sample(b)).P)
}

func sample(values []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
}

// LeastP returns the least P that [MannWhitney] has for n and m values: all of
// one side are below all of the other, 2 out of n+m over n orders.
func LeastP(n, m int) float64 {
	if n == 0 || m == 0 {
		return 1
	}
	p := 2.0
	for i := 1; i <= n; i++ {
		p *= float64(i) / float64(m+i)
	}
	return min(1, p)
}

// Holm corrects the probabilities of several tests for their number (Holm 1979:
// the k-th smallest of m times m-k+1, never less than the one before). The
// answers are in the order of the tests.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	adjusted := make([]float64, len(p))
	least := 0.0
	for k, i := range order {
		least = max(least, min(1, p[i]*float64(len(p)-k)))
		adjusted[i] = least
	}
	return adjusted
}
