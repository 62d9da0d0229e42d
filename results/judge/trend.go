package judge

import (
	"math"
	"slices"
)

// mannKendall tests values in the order of time for a trend: S is how many more
// pairs rise than fall, and p the probability of so large an S, up or down,
// without a trend. Nothing is assumed of the values' distribution. Up to 40
// values without ties p is exact, otherwise that of the normal approximation
// with the correction for ties.
func mannKendall(values []float64) (s int, p float64) {
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
	if n < 2 {
		return s, 1
	}
	if ties == 0 && n <= 40 {
		return s, kendallP(n, s)
	}
	f := float64(n)
	variance := (f*(f-1)*(2*f+5) - ties) / 18
	if variance <= 0 || s == 0 {
		return s, 1
	}
	z := (math.Abs(float64(s)) - 1) / math.Sqrt(variance)
	return s, math.Erfc(z / math.Sqrt2)
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

// slopePairs bounds the pairs that theilSen looks at.
const slopePairs = 500_000

// theilSen returns the median slope, in units a run, over pairs of values: all
// pairs, or of very many values those a multiple of some step apart.
func theilSen(values []float64) float64 {
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
	return median(slopes)
}

// median returns the median of values, which it sorts; 0 if there are none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	slices.Sort(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
