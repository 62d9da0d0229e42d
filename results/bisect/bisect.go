// Package bisect finds the commit that slowed a broker down, by measurements of
// which each may err. It is arithmetic only: it runs nothing.
//
// A search keeps a probability for each commit that it is the one, and never
// throws any of them away: a measurement only makes some more probable than
// others. It measures next where the answer is most in doubt. This is the
// probabilistic bisection of Horstein (1963, "Sequential transmission using
// noiseless feedback", IEEE Transactions on Information Theory 9), with the
// evidence of each measurement taken from its distance to what is expected.
package bisect

import (
	"fmt"
	"math"
)

// Step is what the search looks for: the last commit of its range is slower than
// the first by Size, and one commit between makes all of the difference.
type Step struct {
	// Size is the logarithm of the ratio of their times or work, above zero.
	Size float64
	// Noise is the standard deviation of a measurement, and Rounds how many
	// measurements it was reckoned from.
	Noise  float64
	Rounds int
}

// tails is the number of degrees of freedom of the t distribution that
// measurements are taken to have: few, so that a measurement that is far from
// everything that is expected says little.
const tails = 4

// leastNoise is the least noise that a step is taken to have. A few rounds that are
// alike by chance don't make a machine that has none: in real rounds it was 1.5 to
// 2 % (results/paired/testdata).
const leastNoise = 0.01

// enough is the probability at which a search is done.
const enough = 0.99

// Search is one under way, over the commits 1 to n after commit 0, which isn't
// slow. Commit n is.
type Search struct {
	step    Step
	chances []float64 // logarithms, not normalized; chances[i] is commit i+1's
	skipped []bool    // commits that can't be measured, by number
}

// NewSearch begins a search over n commits.
func NewSearch(n int, step Step) (*Search, error) {
	if n < 1 || !(step.Size > 0) || !(step.Noise > 0) || step.Rounds < 2 {
		return nil, fmt.Errorf("bisect: got %d commits and the step %+v, want one commit or more, a size and a noise "+
			"above zero, and two rounds or more", n, step)
	}
	step.Noise = max(step.Noise, leastNoise)
	return &Search{step: step, chances: make([]float64, n), skipped: make([]bool, n+1)}, nil
}

// Observe takes the measurement of a commit: the logarithm of its time or work
// over commit 0's.
func (s *Search) Observe(commit int, value float64) {
	// The size of the step is an estimate, too.
	unit := s.step.Noise * math.Sqrt(1+1/float64(s.step.Rounds))
	likelihood := func(expected float64) float64 {
		z := (value - expected) / unit
		return -(tails + 1) / 2.0 * math.Log1p(z*z/tails)
	}
	slow, fast := likelihood(s.step.Size), likelihood(0)
	for i := range s.chances {
		if i+1 <= commit {
			s.chances[i] += slow
		} else {
			s.chances[i] += fast
		}
	}
}

// Skip says that a commit can't be measured.
func (s *Search) Skip(commit int) { s.skipped[commit] = true }

// Range is the commits after Good up to Bad: the first of them that is slow is
// one of these. It is a single commit unless some between can't be measured.
type Range struct {
	Good, Bad   int
	Probability float64
}

// ranges returns all that measurements can tell apart, in order.
func (s *Search) ranges() []Range {
	greatest := math.Inf(-1)
	for _, c := range s.chances {
		greatest = max(greatest, c)
	}
	sum := 0.0
	for _, c := range s.chances {
		sum += math.Exp(c - greatest)
	}
	var list []Range
	next := Range{}
	for i, c := range s.chances {
		next.Bad = i + 1
		next.Probability += math.Exp(c-greatest) / sum
		if next.Bad == len(s.chances) || !s.skipped[next.Bad] {
			list = append(list, next)
			next = Range{Good: next.Bad}
		}
	}
	return list
}

// Best returns the most probable answer, and whether the search is done with it.
func (s *Search) Best() (best Range, done bool) {
	for _, r := range s.ranges() {
		if r.Probability > best.Probability {
			best = r
		}
	}
	return best, best.Probability >= enough
}

// Next returns the commit to be measured next: the one before which the slow
// commit lies as probably as after it.
func (s *Search) Next() int {
	next, least, before := 0, math.Inf(1), 0.0
	for _, r := range s.ranges() {
		before += r.Probability
		if r.Bad < len(s.chances) && math.Abs(before-0.5) < least {
			next, least = r.Bad, math.Abs(before-0.5)
		}
	}
	return next
}

// Left returns how many commits the most probable ranges have that together are
// probable enough.
func (s *Search) Left() int {
	ranges := s.ranges()
	left, sum := 0, 0.0
	for sum < enough {
		best := 0
		for i, r := range ranges {
			if r.Probability > ranges[best].Probability {
				best = i
			}
		}
		if ranges[best].Probability == 0 {
			break
		}
		left += ranges[best].Bad - ranges[best].Good
		sum += ranges[best].Probability
		ranges[best].Probability = 0
	}
	return left
}
