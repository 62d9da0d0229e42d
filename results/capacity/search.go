package capacity

import (
	"math"
	"slices"
)

const (
	// step is the factor by which the search leaves the rate that it starts from, and
	// goes further by one more each time.
	step = 1.12
	// resolution is the factor between two neighbouring rates that needn't be
	// divided any more.
	resolution = 1.03
	// tests is how often both ends of the interval are tried. The second trial is
	// made in the end, when some time has passed.
	tests = 2
	// lowest is a rate below which nothing is searched, in events per second.
	lowest = 0.1
)

// Search finds the interval. It starts from a rate, and asks for trials until it
// has an end that holds and one that fails, close to each other, each in two trials.
type Search struct {
	// Start is the rate of the first trial, in events per second.
	Start float64
	rates map[float64][]Verdict
}

// Note takes what a trial told of a rate.
func (s *Search) Note(rate float64, v Verdict) {
	if s.rates == nil {
		s.rates = make(map[float64][]Verdict)
	}
	s.rates[rate] = append(s.rates[rate], v)
}

// verdict returns what all trials of a rate tell: where they differ, nothing.
func (s *Search) verdict(rate float64) Verdict {
	first := s.rates[rate][0]
	for _, v := range s.rates[rate] {
		if v != first {
			return Unclear
		}
	}
	return first
}

// Interval returns the highest rate that holds below the lowest one that fails: 0
// where none holds, and infinity where none fails. Unclear rates lie between them.
func (s *Search) Interval() (lo, hi float64) {
	hi = math.Inf(1)
	for rate := range s.rates {
		if s.verdict(rate) == Fails {
			hi = min(hi, rate)
		}
	}
	for rate := range s.rates {
		if s.verdict(rate) == Holds && rate < hi {
			lo = max(lo, rate)
		}
	}
	return lo, hi
}

// Next returns the rate of the next trial, of four digits, false when the interval
// stands.
func (s *Search) Next() (rate float64, ok bool) {
	rate, ok = s.next()
	const digits = 4
	unit := math.Pow10(int(math.Floor(math.Log10(rate))) - digits + 1)
	return math.Round(rate/unit) * unit, ok
}

// far returns the factor of a step beyond all rates on one side of the first: the
// more there are the longer it is.
func (s *Search) far(side func(rate float64) bool) float64 {
	steps := 1
	for rate := range s.rates {
		if side(rate) {
			steps++
		}
	}
	return math.Pow(step, float64(steps))
}

func (s *Search) next() (rate float64, ok bool) {
	if len(s.rates) == 0 {
		return s.Start, true
	}
	lo, hi := s.Interval()
	var unclear []float64 // between both, and the other ends of the gaps
	for rate := range s.rates {
		if rate > lo && rate < hi {
			unclear = append(unclear, rate)
		}
	}
	slices.Sort(unclear)
	switch {
	case lo == 0:
		rate = slices.Min(append(unclear, hi)) / s.far(func(r float64) bool { return r < s.Start })
		return rate, rate >= lowest
	case math.IsInf(hi, 1):
		return slices.Max(append(unclear, lo)) * s.far(func(r float64) bool { return r > s.Start }), true
	}
	below, above := hi, lo // neighbours of the ends
	if len(unclear) > 0 {
		below, above = unclear[0], unclear[len(unclear)-1]
	}
	switch gapLo, gapHi := below/lo, hi/above; {
	case gapLo > resolution && gapLo >= gapHi:
		return math.Sqrt(lo * below), true
	case gapHi > resolution:
		return math.Sqrt(above * hi), true
	case len(s.rates[lo]) < tests:
		return lo, true
	case len(s.rates[hi]) < tests:
		return hi, true
	}
	return lo, false
}
