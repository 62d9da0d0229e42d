package netem

import (
	"math/bits"
	"time"
)

// Stats is what a delay has done. A run in which it dropped packets is void.
type Stats struct {
	// In counts the packets that the interface was given to send.
	In uint64 `json:"in"`
	// Out counts the packets that were sent on after the delay.
	Out uint64 `json:"out"`
	// Drops counts the packets that were lost: a full queue, a packet too
	// long for the interface, an interface that refused it.
	Drops uint64 `json:"drops"`
	// Lateness is how late packets left. For each packet it includes the time
	// that sending its whole batch took. It is empty for the kernel's kind.
	Lateness Histogram `json:"lateness"`
	// ClockSteps counts the jumps of the wall clock that the user-space kind
	// has seen. The kernel stamps packets by that clock, so the packets in the
	// queue at a jump left too early or too late.
	ClockSteps uint64 `json:"clock_steps,omitempty"`
	// CPU is the time that the sending thread used on a processor, 0 for the
	// kernel's kind.
	CPU time.Duration `json:"cpu_ns,omitempty"`
}

// Histogram counts durations in buckets whose bounds are powers of two:
// bucket 0 counts those below 1 µs, bucket i those from 2^(i-1) µs to below
// 2^i µs. The zero value is empty.
type Histogram struct {
	// Counts are the buckets, none above the highest that counted something.
	Counts []uint64 `json:"counts"`
	// Sum is the sum of all durations, Max the longest of them.
	Sum time.Duration `json:"sum_ns"`
	Max time.Duration `json:"max_ns"`
}

// buckets is how many buckets a histogram has at most: 2^36 µs is 19 hours.
const buckets = 37

func (h *Histogram) add(d time.Duration) {
	d = max(d, 0)
	i := min(bits.Len64(uint64(d/time.Microsecond)), buckets-1)
	for i >= len(h.Counts) {
		h.Counts = append(h.Counts, 0)
	}
	h.Counts[i]++
	h.Sum += d
	h.Max = max(h.Max, d)
}

// n returns how many durations were counted.
func (h *Histogram) n() uint64 {
	var n uint64
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Mean returns the mean of the durations, 0 if there are none.
func (h *Histogram) Mean() time.Duration {
	n := h.n()
	if n == 0 {
		return 0
	}
	return h.Sum / time.Duration(n)
}

// Quantile returns a bound that the fraction q of the durations don't exceed:
// the upper bound of a bucket, or the longest duration if that is less. It is
// 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	n := h.n()
	if n == 0 {
		return 0
	}
	want := uint64(q * float64(n))
	var seen uint64
	for i, c := range h.Counts {
		if seen += c; seen >= want && c > 0 {
			return min(time.Duration(1<<i)*time.Microsecond, h.Max)
		}
	}
	return h.Max
}
