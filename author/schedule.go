package author

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// The seed of Poisson arrivals: the same in every run, so that runs differ by what
// was measured only.
const seed1, seed2 = 0x56_4f_45_76_65_6e_74, 0x1

// plan writes into the results when each event is due, at a rate in events per
// second: evenly spaced, or, where poisson is true, with the random gaps of a
// Poisson process. The first is due at once.
func plan(results []Result, rate float64, poisson bool) {
	random := rand.New(rand.NewPCG(seed1, seed2))
	at := 0.0 // in gaps of the mean length
	for i := range results {
		results[i].Planned = time.Duration(math.Round(at / rate * float64(time.Second)))
		if poisson {
			at += random.ExpFloat64()
		} else {
			at++
		}
	}
}

// paced adds to the report of an open loop what is known of its schedule.
func (r *Report) paced() {
	r.open = true
	n := len(r.Results)
	offered := r.Results[n-1].Planned - r.Results[0].Planned
	r.Offered = perSecond(n-1, offered)
	var acks, late []time.Duration
	for _, s := range r.Results {
		if s.Outcome == Acked {
			acks = append(acks, s.Done)
		}
		if s.waited {
			r.Waited++
		} else {
			late = append(late, s.Begun-s.Planned)
		}
	}
	if len(acks) > 0 {
		r.Achieved = perSecond(len(acks)-1, slices.Max(acks)-slices.Min(acks))
	}
	r.ScheduleP99 = percentile(late, 99)
}

// perSecond returns n events over d, 0 where there is no time.
func perSecond(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// percentile returns the smallest of the times that p percent of them don't
// exceed, 0 where there are none. It sorts them.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[(len(times)*p+99)/100-1]
}
