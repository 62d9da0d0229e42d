package journey

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// took returns journeys of acked events that took these times.
func took(times ...time.Duration) *Journeys {
	j := steady(len(times))
	for i := range j.Events {
		j.Events[i].Answered = j.Events[i].Begun + times[i]
	}
	return j
}

// TestLatency compares with percentiles that were worked out by hand.
func TestLatency(t *testing.T) {
	// 1 to n milliseconds in any order: the p-th percentile is p·n ms, rounded up.
	rising := func(n int) *Journeys {
		times := make([]time.Duration, n)
		for i, place := range rand.Perm(n) {
			times[place] = time.Duration(i+1) * ms
		}
		return took(times...)
	}
	for name, tt := range map[string]struct {
		journeys *Journeys
		want     Latency
	}{
		"one":    {took(5 * ms), Latency{Events: 1, P50: 5 * ms, P99: 5 * ms, Max: 5 * ms}},
		"three":  {took(9*ms, 1*ms, 5*ms), Latency{Events: 3, P50: 5 * ms, P99: 9 * ms, Max: 9 * ms}},
		"100":    {rising(100), Latency{Events: 100, P50: 50 * ms, P99: 99 * ms, Max: 100 * ms}},
		"101":    {rising(101), Latency{Events: 101, P50: 51 * ms, P99: 100 * ms, Max: 101 * ms}},
		"9999":   {rising(9999), Latency{Events: 9999, P50: 5000 * ms, P99: 9900 * ms, Max: 9999 * ms}},
		"10,000": {rising(10_000), Latency{10_000, 5000 * ms, 9900 * ms, 9990 * ms, 10_000 * ms, 0}},
	} {
		if got := tt.journeys.Latency(Ack); got == nil || *got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
	if got := took().Latency(Ack); got != nil {
		t.Errorf("of no event: got %+v", got)
	}
}

// TestLatencyFromPlan: an event that had to wait before it was begun waited.
func TestLatencyFromPlan(t *testing.T) {
	j := took(ms, ms)
	for i := range j.Events {
		j.Events[i].Start -= 4 * ms
	}
	if got := j.Latency(Ack); got.P50 != 5*ms {
		t.Errorf("got %v, want 5ms", got.P50)
	}
}

// TestResolution: Python 2's times end in 10 ms, and no figure says more.
func TestResolution(t *testing.T) {
	j := steady(200)
	times := make(map[int]time.Duration)
	for i := range j.Events {
		// Stored 3 ms after they were begun, in the last events 33 ms after; some
		// times are cut to before that.
		times[i] = j.Events[i].Begun + 3*ms
		if i >= 190 {
			times[i] += 30 * ms
		}
	}
	if err := j.Join(t.Context(), Broker, database(t, times, 2), 10*ms); err != nil {
		t.Fatal(err)
	}
	early := 0
	for i := range j.Events {
		if at, _ := j.Events[i].At(Broker); at < j.Events[i].Begun {
			early++
		}
	}
	got := j.Latency(Broker)
	if early == 0 || got == nil {
		t.Fatalf("%d events seem to be stored before they were begun, latency %+v, want some, and a latency",
			early, got)
	}
	if got.P50 != 10*ms || got.P99 != 30*ms || got.Max != 30*ms || got.Resolution != 10*ms {
		t.Errorf("got %+v, want 10 ms (or less), and 30 ms", got)
	}
}

// TestClocksDiffer: no figure is made of times that can't be.
func TestClocksDiffer(t *testing.T) {
	j := arrived(3)
	j.Events[1].stored[Broker] = j.Events[1].Begun - ms
	j.joined[Broker].resolution = 100
	if l, doubts := j.Latency(Broker), j.Doubts(); l != nil || len(doubts) != 1 ||
		!strings.Contains(doubts[0], "1ms before they were begun") {
		t.Errorf("got %+v, %q, want no latency, and why", l, doubts)
	}
	if j.Latency(Delivery) == nil {
		t.Error("the subscriber's clock is another one")
	}
	j.DoubtClock("the clock was set")
	if j.Latency(Delivery) != nil || j.Latency(Ack) == nil || len(j.Doubts()) != 2 {
		t.Errorf("a clock that was set: got %+v, %+v, %q", j.Latency(Delivery), j.Latency(Ack), j.Doubts())
	}
}
