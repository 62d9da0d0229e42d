package journey

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Latency is how long events took from their start to a stage. It is of those
// events that reached the stage: lost ones are counted elsewhere.
type Latency struct {
	// Events is how many reached the stage.
	Events int `json:"events"`
	// P50, P99 and P999 are percentiles: the least time within which that part
	// of the events arrived. P999 is 0 where there are fewer than 10,000 events.
	P50  time.Duration `json:"p50_ns"`
	P99  time.Duration `json:"p99_ns"`
	P999 time.Duration `json:"p99.9_ns,omitempty"`
	Max  time.Duration `json:"max_ns"`
	// Resolution is that of the times: the figures are multiples of it, and what
	// is less than it is given as one.
	Resolution time.Duration `json:"resolution_ns,omitempty"`
}

// enoughForP999 is how many events have ten beyond the 99.9th percentile.
const enoughForP999 = 10_000

// Latency returns the latency to a stage, nil where that isn't known.
func (j *Journeys) Latency(s Stage) *Latency {
	return NewLatency(j.latencies(s), j.joined[s].resolution)
}

// NewLatency returns the latency of events that took those times, which it sorts,
// nil if there are none.
func NewLatency(times []time.Duration, resolution time.Duration) *Latency {
	if len(times) == 0 {
		return nil
	}
	slices.Sort(times)
	l := &Latency{Events: len(times), Resolution: resolution}
	at := func(part float64) time.Duration { return l.bounded(times[rank(len(times), part)]) }
	l.P50, l.P99, l.Max = at(0.5), at(0.99), at(1)
	if l.Events >= enoughForP999 {
		l.P999 = at(0.999)
	}
	return l
}

// rank returns the place of a percentile among n sorted times: the nearest rank.
func rank(n int, part float64) int {
	const rounding = 1e-9 // 0.99·100 is a bit more than 99
	return max(0, int(math.Ceil(part*float64(n)-rounding))-1)
}

// bounded rounds a time to the resolution, and to no less than it: two times that
// are equal may be that far apart.
func (l *Latency) bounded(t time.Duration) time.Duration {
	if l.Resolution <= 0 {
		return t
	}
	return max(l.Resolution, t.Round(l.Resolution))
}

// latencies returns those of the events that reached a stage, in the order in
// which they were begun, nil where they aren't known.
func (j *Journeys) latencies(s Stage) []time.Duration {
	if !j.knows(s) || j.doubts[s] != "" || j.early(s) > 0 {
		return nil
	}
	times := make([]time.Duration, 0, len(j.Events))
	for i := range j.Events {
		e := &j.Events[i]
		if at, ok := e.At(s); ok {
			// A database rounds its times: one that seems to be before the start
			// was right after it.
			times = append(times, max(0, at-e.Start))
		}
	}
	return times
}

// early returns by how much the earliest event was at a stage before it was begun,
// 0 if that is no more than the resolution.
func (j *Journeys) early(s Stage) time.Duration {
	var most time.Duration
	for i := range j.Events {
		e := &j.Events[i]
		if at, ok := e.At(s); ok {
			most = max(most, e.Begun-at)
		}
	}
	if most <= j.joined[s].resolution {
		return 0
	}
	return most
}

// Doubts says in words why there are no latencies to a stage whose database was
// read.
func (j *Journeys) Doubts() []string {
	var texts []string
	for _, s := range []Stage{Broker, Delivery} {
		why := j.doubts[s]
		if early := j.early(s); why == "" && j.knows(s) && early > 0 {
			why = fmt.Sprintf("events seem to be stored up to %v before they were begun: the clocks differ", early)
		}
		if why != "" {
			texts = append(texts, fmt.Sprintf("there is no %s latency: %s", s, why))
		}
	}
	return texts
}
