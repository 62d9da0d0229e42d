package capacity

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// broker is a queue: it takes one event after another, each for a random time. Its
// speed drifts from batch to batch.
type broker struct {
	random *rand.Rand
	rate   float64 // at which it takes events, on average
	drift  float64 // by which that varies, as a share
	pauses float64 // of 0.2 s, per second
	spent  time.Duration
}

const (
	batchTime = 10 * time.Second
	between   = time.Second // two batches
	// budget is when no more trials are begun.
	budget = 4 * time.Minute
)

// batch sends events that are due at a rate.
func (k *broker) batch(rate float64) (b Batch) {
	speed := k.rate * (1 + k.drift*k.random.NormFloat64())
	free := 0.0
	for i := range int(rate * batchTime.Seconds()) {
		due := float64(i) / rate
		free = max(free, due) + k.random.ExpFloat64()/speed
		if k.random.Float64() < k.pauses/speed {
			free += 0.2
		}
		b.Due = append(b.Due, time.Duration(due*1e9))
		b.Delivered = append(b.Delivered, time.Duration(free*1e9))
	}
	k.spent += batchTime + between
	return b
}

func (k *broker) trial(rate float64) Verdict {
	t := Trial{Rate: rate, Bound: time.Second}
	for {
		if v := t.Add(k.batch(rate)); v != Open {
			return v
		}
	}
}

// search returns the interval that a search ends with.
func (k *broker) search(start float64) (lo, hi float64) {
	s := Search{Start: start}
	for {
		rate, ok := s.Next()
		if !ok || k.spent > budget {
			return s.Interval()
		}
		s.Note(rate, k.trial(rate))
	}
}

// TestTrialErrors: how often trials err, with brokers that vary as real ones do.
func TestTrialErrors(t *testing.T) {
	const trials = 100
	for _, k := range []broker{
		{rate: 1000}, {rate: 1000, drift: 0.01}, {rate: 300, drift: 0.01}, {rate: 1000, drift: 0.01, pauses: 0.1},
	} {
		k.random = rand.New(rand.NewPCG(1, 2))
		for _, of := range []float64{0.8, 0.95, 1.05, 1.2} {
			wrong := Fails
			if of > 1 {
				wrong = Holds
			}
			counts := make(map[Verdict]int)
			for range trials {
				counts[k.trial(of*k.rate)]++
			}
			t.Logf("%g events/s, drift %g, pauses %g: at %g of it: holds %d, fails %d, unclear %d", k.rate, k.drift,
				k.pauses, of, counts[Holds], counts[Fails], counts[Unclear])
			if float64(counts[wrong]) > 2*alpha*trials {
				t.Errorf("%d of %d trials err", counts[wrong], trials)
			}
		}
	}
}

// TestSearch: two searches of one broker agree within 5 % in nine pairs of ten at
// least, also where it pauses now and then, and find its rate in less than five
// minutes.
func TestSearch(t *testing.T) {
	const pairs = 30
	for _, k := range []broker{{rate: 1000}, {rate: 1000, drift: 0.01}, {rate: 1000, drift: 0.01, pauses: 0.1}} {
		k.random = rand.New(rand.NewPCG(3, 4))
		apart, off := 0, 0
		var longest time.Duration
		width := 0.0
		for range pairs {
			var middle [2]float64
			for i := range middle {
				k.spent = 0
				lo, hi := k.search(k.rate * (0.85 + 0.3*k.random.Float64()))
				middle[i] = math.Sqrt(lo * hi)
				longest = max(longest, k.spent)
				width = max(width, hi/lo-1)
				if lo > 1.03*k.rate || hi < 0.97*k.rate {
					off++
				}
			}
			if ratio := middle[0] / middle[1]; ratio > 1.05 || ratio < 1/1.05 {
				apart++
			}
		}
		t.Logf("drift %g, pauses %g: %d of %d pairs apart, %d off, at most %.1f %% wide, %v long", k.drift, k.pauses,
			apart, pairs, off, 100*width, longest)
		if apart > pairs/10 || off > 2*pairs/20 || longest > 5*time.Minute {
			t.Errorf("drift %g, pauses %g: %d of %d pairs are more than 5 %% apart, %d are off, %v", k.drift, k.pauses,
				apart, pairs, off, longest)
		}
	}
}
