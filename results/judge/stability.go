package judge

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"cometbench/results"
	"cometbench/results/stat"

	"github.com/aclements/go-moremath/stats"
)

const (
	// target is the half width, as a fraction of the mean, of the interval
	// that Stability.Needed is about.
	target = 0.01
	// notable is the least difference, as a fraction of the median, that is a
	// finding: cells bound by latency repeat to a few parts in ten thousand, and
	// what is outlying there is still the same result.
	notable = 0.01
	// resamples is how many samples the bootstrap draws.
	resamples = 2000
	// enough is from how many runs on intervals of the spread and outliers
	// mean something.
	enough = 6
)

// Stability is how well the runs of a cell repeat.
type Stability struct {
	Runs int
	// Mean is the mean rate with its 95 % stat.Confidence interval (Student's t),
	// Median the median with its own (order statistics, for any
	// distribution; infinite for fewer than six runs). Events a second.
	Mean, Median stat.Interval
	// Spread is the standard deviation (of the sample, n-1) over the mean,
	// with its 95 % interval (bootstrap; from six runs on, else NaN).
	Spread stat.Interval
	// Trend is the median change from one run to the next, in events per second
	// (Theil–Sen), and TrendP the probability of such an order without a
	// trend (Mann–Kendall).
	Trend, TrendP float64
	// Outliers are the names of the runs that lie far from all others.
	Outliers []string
	// Modes are two where the runs fall into two groups, else none.
	Modes []Mode
	// Needed is how many runs would narrow the mean's 95 % interval to ±1 %,
	// if they spread as these do.
	Needed int
	// Findings are, in words, what of this a reader should look at.
	Findings []string
}

// Mode is one of two groups that the runs of a cell fall into.
type Mode struct {
	Rate float64 // the group's mean, in events per second
	Runs int
}

// stability judges the runs of a cell, of which there are at least two.
func stability(m *results.CellRuns, role results.Role, alpha float64, d uniform) *Stability {
	values := m.Values(role)
	sorted := slices.Sorted(slices.Values(values))
	s := &Stability{Runs: len(values), Mean: stat.MeanInterval(values), Median: stat.MedianInterval(values)}
	s.Spread = spread(values)
	s.Needed = needed(s.Spread.Value)
	say := func(format string, args ...any) { s.Findings = append(s.Findings, fmt.Sprintf(format, args...)) }

	_, s.TrendP = stat.MannKendall(values)
	s.Trend = stat.TheilSen(values)
	if change := s.Trend * float64(s.Runs-1) / s.Median.Value; s.TrendP < alpha && math.Abs(change) >= notable {
		say("a trend over the runs: %+.1f %% from the first to the last (p = %.2g)", 100*change, s.TrendP)
	}
	if at := d.twoModes(sorted); at > 0 {
		low, high := results.Summarize(sorted[:at]).Mean, results.Summarize(sorted[at:]).Mean
		if high-low >= notable*s.Median.Value {
			s.Modes = []Mode{{low, at}, {high, len(sorted) - at}}
			say("two modes: %s events/s (%d runs) and %s (%d runs)", stat.FormatRate(low), at, stat.FormatRate(high),
				len(sorted)-at)
		}
	}
	s.outliers(m, values)
	if len(s.Outliers) > 0 {
		say("outlying: %s", strings.Join(s.Outliers, ", "))
	}
	return s
}

// spread returns the coefficient of variation and its interval, by the bootstrap:
// the usual interval of a standard deviation is right for normal distributions
// only, and rates aren't normal (a run may be slow for many reasons, and fast for
// none).
func spread(values []float64) stat.Interval {
	s := stat.Interval{Value: variation(values), Lo: math.NaN(), Hi: math.NaN()}
	if len(values) < enough {
		return s
	}
	rng := rand.New(rand.NewPCG(2, uint64(len(values)))) // the same answer every time
	again := make([]float64, len(values))
	drawn := make([]float64, resamples)
	for i := range drawn {
		for j := range again {
			again[j] = values[rng.IntN(len(values))]
		}
		drawn[i] = variation(again)
	}
	slices.Sort(drawn)
	tail := (1 - stat.Confidence) / 2 * resamples
	s.Lo, s.Hi = drawn[int(tail)], drawn[resamples-1-int(tail)]
	return s
}

// variation returns the sample's standard deviation over its mean, 0 if that
// is 0.
func variation(values []float64) float64 {
	r := results.Summarize(values)
	n := float64(len(values))
	if r.Mean == 0 || n < 2 {
		return 0
	}
	return r.Std * math.Sqrt(n/(n-1)) / r.Mean
}

// needed returns how many runs of that spread give the mean to ±1 %.
func needed(spread float64) int {
	if math.IsNaN(spread) || math.IsInf(spread, 0) {
		return 0
	}
	half := func(n int) float64 {
		t := stats.InvCDF(stats.TDist{V: float64(n - 1)})((1 + stat.Confidence) / 2)
		return t * spread / math.Sqrt(float64(n))
	}
	high := 2
	for half(high) > target {
		high *= 2
	}
	low := high / 2 // too few, or 1
	for high-low > 1 {
		if mid := (low + high) / 2; half(mid) > target {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// outliers names the runs whose distance from the median (from the nearer of
// two modes) is more than 3.5 times what the median distance makes of a standard
// deviation (Iglewicz and Hoaglin's modified z-score).
func (s *Stability) outliers(m *results.CellRuns, values []float64) {
	if len(values) < enough {
		return
	}
	distance := make([]float64, len(values))
	var mean float64
	for i, v := range values {
		distance[i] = math.Abs(v - s.Median.Value)
		if len(s.Modes) == 2 {
			distance[i] = min(math.Abs(v-s.Modes[0].Rate), math.Abs(v-s.Modes[1].Rate))
		}
		mean += distance[i] / float64(len(values))
	}
	scale := 1.4826 * stat.Median(distance)
	if scale == 0 { // more than half of the runs are equal
		scale = 1.2533 * mean
	}
	for i, d := range distance {
		if d > 3.5*scale && d >= notable*s.Median.Value {
			s.Outliers = append(s.Outliers, fmt.Sprintf("%s (%s events/s)", m.Runs[i].Name, stat.FormatRate(values[i])))
		}
	}
}
