package stat

import (
	"math"
	"slices"
)

// exactMost is the greatest number of values for which [MannKendall] is exact.
const exactMost = 40

// MannKendall tests values in the order of time for a trend: s is how many more
// pairs rise than fall, and p the probability of an s as far from 0, up or down,
// without a trend.
//
// Without ties p is exact for up to 40 values. Else it is that of the normal
// approximation, with the corrections for continuity and for ties. The
// approximation is too cautious for few values: of 11, s = 33 has p = 0.0099,
// which it puts at 0.0127.
func MannKendall(values []float64) (s int, p float64) {
	n := len(values)
	for i, a := range values {
		for _, b := range values[i+1:] {
			switch {
			case b > a:
				s++
			case b < a:
				s--
			}
		}
	}
	if n < 2 {
		return s, 1
	}
	sorted := slices.Sorted(slices.Values(values))
	ties := 0.0
	for i := 0; i < n; {
		j := i
		for j < n && sorted[j] == sorted[i] {
			j++
		}
		t := float64(j - i)
		ties += t * (t - 1) * (2*t + 5)
		i = j
	}
	if ties == 0 && n <= exactMost {
		return s, kendallP(n, s)
	}
	return s, kendallNormalP(n, s, ties)
}

// kendallNormalP is the normal approximation. Ties is the sum of t(t-1)(2t+5)
// over the groups of t equal values.
func kendallNormalP(n, s int, ties float64) float64 {
	f := float64(n)
	variance := (f*(f-1)*(2*f+5) - ties) / 18
	if variance <= 0 || s == 0 {
		return 1
	}
	z := (math.Abs(float64(s)) - 1) / math.Sqrt(variance)
	return math.Erfc(z / math.Sqrt2)
}

// kendallP returns the probability of a sum of at least |s|, up or down, over
// all orders of n different values: s = pairs - 2·inversions, and the numbers
// of orders by inversions are a product of short sums.
func kendallP(n, s int) float64 {
	pairs := n * (n - 1) / 2
	share := make([]float64, 1, pairs+1) // of the orders, by inversions
	share[0] = 1
	for k := 2; k <= n; k++ {
		next := make([]float64, len(share)+k-1)
		for i, v := range share {
			for j := range k {
				next[i+j] += v / float64(k)
			}
		}
		share = next
	}
	most := (pairs - max(s, -s)) / 2 // inversions of an order as extreme
	var p float64
	for i := 0; i <= most; i++ {
		p += share[i]
	}
	return min(1, 2*p)
}

// slopePairs bounds the pairs that [TheilSen] looks at.
const slopePairs = 500_000

// TheilSen returns the median slope from one value to the next over pairs of
// values: over all pairs, or of more than 1,000 values over those a multiple of
// some step apart. It is 0 for fewer than two values.
func TheilSen(values []float64) float64 {
	n := len(values)
	step := 1
	for n*(n-1)/2/step > slopePairs {
		step++
	}
	var slopes []float64
	for i := range values {
		for j := i + step; j < n; j += step {
			slopes = append(slopes, (values[j]-values[i])/float64(j-i))
		}
	}
	return Median(slopes)
}
