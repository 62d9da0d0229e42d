package paired

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSpent: no number of looks spends more than all.
func TestSpent(t *testing.T) {
	sum := 0.0
	for rounds := MinRounds; rounds < 10000; rounds++ {
		sum += spent(rounds)
	}
	if sum >= 1 || sum < 0.99 {
		t.Errorf("got %v in 10,000 looks, want nearly 1, and no more", sum)
	}
}

// TestQuantile holds the quantiles against a table of Student's t (Fisher and
// Yates 1963, table III).
func TestQuantile(t *testing.T) {
	for _, tt := range []struct {
		degrees int
		p, want float64
	}{
		{3, 0.025, 3.182}, {3, 0.005, 5.841}, {4, 0.01, 3.747}, {7, 0.025, 2.365}, {10, 0.0005, 4.587}, {30, 0.05, 1.697},
	} {
		if got := quantile(tt.degrees, tt.p); math.Abs(got-tt.want) > 0.0006 {
			t.Errorf("%d degrees, %v: got %.4f, want %v", tt.degrees, tt.p, got, tt.want)
		}
	}
}

func TestIntervalOfFew(t *testing.T) {
	for n := range MinRounds {
		got := interval(make([]float64, n), 0.05, 0.05)
		if !math.IsInf(got.Lo, -1) || !math.IsInf(got.Hi, 1) {
			t.Errorf("%d rounds: got %+v, want no bounds", n, got)
		}
	}
	// By hand: 0, 0, 0 and 0.04 have the mean 0.01 and its error 0.01; the
	// first look spends half of 0.05, and 3.182 is exceeded with 0.025.
	got := interval([]float64{0, 0, 0, 0.04}, 0.05, 0.05)
	if math.Abs(math.Log1p(got.Lo)-(0.01-0.03182)) > 1e-5 || math.Abs(math.Log1p(got.Hi)-(0.01+0.03182)) > 1e-5 {
		t.Errorf("got %+v", got)
	}
}

// TestIntervalOtherwise holds Student's interval against two that don't assume
// a normal distribution: the shifts that a sign-flip test doesn't reject, and
// the quantiles of a bootstrap. They agree within a sixth of its length.
func TestIntervalOtherwise(t *testing.T) {
	const alpha = 0.025 // at each end
	for _, file := range measured {
		rounds := readRounds(t, file)
		for _, w := range []Witness{Time, Work} {
			v := values(rounds, w)
			half := quantile(len(v)-1, alpha) * standardError(v)
			for name, bounds := range map[string][2]float64{
				"sign-flip": signFlips(v, alpha), "bootstrap": bootstrap(v, alpha),
			} {
				for end, bound := range bounds {
					want := mean(v) + float64(2*end-1)*half
					if math.Abs(bound-want) > half/3 {
						t.Errorf("%s, %s: %s says %.4f, Student %.4f", file, w, name, bound, want)
					}
				}
				t.Logf("%s, %s: %+.2f %%, %s %+.2f to %+.2f, Student %+.2f to %+.2f", file, w, 100*mean(v), name,
					100*bounds[0], 100*bounds[1], 100*(mean(v)-half), 100*(mean(v)+half))
			}
		}
	}
}

// signFlips returns the least and the greatest shift that isn't rejected: under
// the right one, each value is as likely to lie as far on the other side.
func signFlips(values []float64, alpha float64) [2]float64 {
	rejects := func(shift, side float64) bool {
		observed, extreme, all := 0.0, 0, 1<<min(len(values), 12)
		for _, v := range values {
			observed += side * (v - shift)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		for flips := range all {
			bits := uint64(flips)
			if len(values) > 12 {
				bits = rng.Uint64()
			}
			sum := 0.0
			for i, v := range values {
				if bits>>i&1 == 1 {
					sum -= side * (v - shift)
				} else {
					sum += side * (v - shift)
				}
			}
			if sum >= observed-1e-12 {
				extreme++
			}
		}
		return float64(extreme) <= alpha*float64(all)
	}
	search := func(side float64) float64 {
		in, out := mean(values), mean(values)-side*(slices.Max(values)-slices.Min(values))
		for range 30 {
			if middle := (in + out) / 2; rejects(middle, side) {
				out = middle
			} else {
				in = middle
			}
		}
		return in
	}
	return [2]float64{search(1), search(-1)}
}

// bootstrap returns the quantiles of the means of resampled values. Those of
// few values are known to lie too near: by the quantiles of the normal
// distribution and Student's, and by the degree of freedom of the mean.
func bootstrap(values []float64, alpha float64) [2]float64 {
	const samples = 4000
	rng := rand.New(rand.NewPCG(2, 2))
	n := len(values)
	widen := quantile(n-1, alpha) / quantile(1e6, alpha) * math.Sqrt(float64(n)/float64(n-1))
	distances := make([]float64, samples)
	for i := range distances {
		for range n {
			distances[i] += values[rng.IntN(n)] / float64(n)
		}
		distances[i] -= mean(values)
	}
	slices.Sort(distances)
	low, high := distances[int(alpha*samples)], distances[int((1-alpha)*samples)]
	return [2]float64{mean(values) + widen*low, mean(values) + widen*high}
}
