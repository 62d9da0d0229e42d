package paired

import (
	"math"

	"github.com/aclements/go-moremath/stats"
)

// MinRounds is how many rounds there are before the first look.
const MinRounds = 4

// spent returns the share of alpha that the look after so many rounds may use:
// 1/2, 1/6, 1/12 and so on, which add up to less than 1 over any number of
// looks. So the probability that any look errs is at most alpha, however the
// looks depend on each other, and whenever the budget ends. Early looks get
// most of it, since few rounds need it most.
func spent(rounds int) float64 {
	look := float64(rounds - MinRounds + 1)
	return 1 / (look * (look + 1))
}

// Interval is how much slower the new broker is, as a fraction: 0.05 is 5 %
// more time or work per event.
type Interval struct {
	Center float64
	// Lo and Hi are infinite while there are too few rounds to look.
	Lo, Hi float64
}

// Known reports whether there are bounds.
func (i Interval) Known() bool { return !math.IsInf(i.Hi, 1) }

// interval returns the mean of the rounds' values and where the truth lies:
// above Lo but for a probability below, and below Hi but for a probability
// above, over all looks.
func interval(values []float64, below, above float64) Interval {
	n := len(values)
	if n == 0 {
		return Interval{math.NaN(), math.Inf(-1), math.Inf(1)}
	}
	center := mean(values)
	if n < MinRounds {
		return Interval{math.Expm1(center), math.Inf(-1), math.Inf(1)}
	}
	share, unit := spent(n), standardError(values)
	return Interval{
		Center: math.Expm1(center),
		Lo:     math.Expm1(center - quantile(n-1, below*share)*unit),
		Hi:     math.Expm1(center + quantile(n-1, above*share)*unit),
	}
}

// standardError returns that of the mean of values.
func standardError(values []float64) float64 {
	return stats.StdDev(values) / math.Sqrt(float64(len(values)))
}

// quantile returns what Student's t exceeds with a probability.
func quantile(degrees int, probability float64) float64 {
	return stats.InvCDF(stats.TDist{V: float64(degrees)})(1 - probability)
}
