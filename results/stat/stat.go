// Package stat has the statistics that results are judged by: medians and
// their intervals, a test of two samples, a test for a trend and its slope, the
// correction for many tests; and how rates and shares are written.
//
// Functions assume nothing of the distribution of the values, unless they say so.
// They neither change nor keep the slices that they are given.
package stat

import (
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
