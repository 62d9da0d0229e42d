package judge

import (
	"math/rand/v2"
	"slices"
)

// A broker that is fast in some runs and slow in others, because a listen queue
// overflowed or a process was put on a busy processor, has a mean that describes
// none of its runs. Neither the intervals nor the outliers show that, so that two
// modes are looked for by themselves.
//
// They are looked for by splitting the sorted values where the variance
// within the two parts is least. How much of the whole variance is left then
// tells: of a normal distribution 36 % on average, of a uniform one 25 %, of
// two narrow modes next to nothing. The uniform distribution leaves less than
// any other symmetrical one with a single mode, so values count as having two
// modes where less is left than in all but one in a hundred samples of their
// size from a uniform distribution. A part must have a tenth of the values and
// at least three: fewer are outliers.
const (
	modesLeast  = 6    // values, to tell modes from chance
	modesAlpha  = 0.01 // how rarely a uniform sample looks like two modes
	modesTrials = 2000
)

// uniform maps the size of samples to what splitting them leaves of the variance
// where they are of a uniform distribution. In one set of results most cells have
// the same number of runs.
type uniform map[int][]float64

func newUniform() uniform { return make(uniform) }

// twoModes returns the two modes of sorted values as the number of values in
// the lower one, 0 if there is but one mode.
func (d uniform) twoModes(sorted []float64) int {
	if len(sorted) < modesLeast {
		return 0
	}
	left, at := split(sorted)
	if left >= d.limit(len(sorted)) {
		return 0
	}
	return at
}

// limit returns below which share of variance n values have two modes.
func (d uniform) limit(n int) float64 {
	trials, ok := d[n]
	if !ok {
		rng := rand.New(rand.NewPCG(1, uint64(n))) // the same answer every time
		values := make([]float64, n)
		trials = make([]float64, modesTrials)
		for i := range trials {
			// Sums of exponential steps are a sorted uniform sample.
			sum := 0.0
			for j := range values {
				sum += rng.ExpFloat64()
				values[j] = sum
			}
			trials[i], _ = split(values)
		}
		slices.Sort(trials)
		d[n] = trials
	}
	return trials[int(modesAlpha*modesTrials)]
}

// split splits sorted values in two where the variance within the parts is
// least. It returns what share of the whole variance that is, and how many
// values are in the lower part.
func split(sorted []float64) (left float64, at int) {
	n := len(sorted)
	var sum, squares float64
	origin := sorted[n/2] // keeps the sums of squares small and exact
	for _, v := range sorted {
		sum += v - origin
		squares += (v - origin) * (v - origin)
	}
	total := squares - sum*sum/float64(n)
	if total <= 0 {
		return 1, 0
	}
	least := max(3, (n+9)/10)
	left = 1
	var low float64
	for i, v := range sorted[:n-least] {
		low += v - origin
		k := i + 1
		if k < least {
			continue
		}
		high := sum - low
		within := squares - low*low/float64(k) - high*high/float64(n-k)
		if share := max(0, within) / total; share < left {
			left, at = share, k
		}
	}
	return left, at
}
