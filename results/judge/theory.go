// Package judge compares results with theory, with the paper, and with each
// other: whether repeated runs of a cell agree.
//
// Theory: sending one event takes a connection two round trips (SYN and event,
// each answered) and the service time t, what all the rest takes. So n
// connections send n / (2·RTT + t) events per second, until the broker can take
// no more: the saturation rate. The cells far below saturation are bound by
// latency and the same on any machine, which calibrates the whole instrument.
package judge

import (
	"cmp"
	"math"
	"slices"
	"time"

	"cometbench/matrix"
	"cometbench/results"
)

// The limits between theory and saturation: a cell is bound by latency below
// kneeBegins of the saturation rate, and saturated above kneeEnds; between them
// connections begin to wait for each other and neither is right.
const (
	kneeBegins = 0.7
	kneeEnds   = 1.3
)

// plateau is how much of the highest rate a cell must reach to count for the
// saturation rate.
const plateau = 0.9

// Theory is the two constants of theory, fitted to a broker's cells.
type Theory struct {
	// Service is the fitted service time t.
	Service time.Duration
	// Delayed is the same from the cells with latency alone, 0 where there
	// are none: there, t is what is left of hundreds of milliseconds.
	Delayed time.Duration
	// Peak is the highest mean rate of a cell, in events per second, and At the
	// cell that reached it.
	Peak float64
	At   matrix.Cell
	// Saturation is the saturation rate in events per second: the mean over the
	// cells within a tenth of the peak. It is 0 if no cell shows that the
	// broker was saturated.
	Saturation float64
}

// trip returns the time of a transaction's round trips in a cell: from the
// round trip that was measured, which it is without latency only between two machines,
// or else the latency.
func trip(m *results.CellRuns) time.Duration {
	if rtt := m.RTT(); rtt > 0 {
		return time.Duration(m.Cell.RoundTrips()) * rtt
	}
	return time.Duration(m.Cell.RoundTrips()) * m.Cell.Latency
}

// effective returns how many connections are busy on average. Events that
// don't divide evenly among the connections leave some idle in the last round:
// 200 events on 64 connections take 4 rounds, as if 50 were there.
func effective(c matrix.Cell) float64 {
	n := float64(c.Conns)
	if c.Events < 1 {
		return n
	}
	events := float64(c.Events)
	return events / math.Ceil(events/n)
}

// least returns the connections that are busy on average if the start and the
// end, when not all connections are at work, take one round more. It matters for
// short runs only: 300 events on 64 connections take 5 rounds or 6.
func least(c matrix.Cell) float64 {
	n := effective(c)
	if c.Events < 1 {
		return n
	}
	rounds := float64(c.Events) / n
	return n * rounds / (rounds + 1)
}

func rate(m *results.CellRuns) float64 { return m.Rates[results.RoleAuthor].Mean }

// Rate returns the rate in events per second that theory gives for a cell as long
// as the broker isn't saturated.
func (t Theory) Rate(m *results.CellRuns) float64 {
	d := trip(m) + t.Service
	if d <= 0 {
		return math.Inf(1)
	}
	return float64(m.Cell.Conns) / d.Seconds()
}

// Knee returns the number of connections at which a round trip's worth of them
// saturates the broker, 0 where the saturation rate isn't known.
func (t Theory) Knee(rtt time.Duration) float64 {
	return t.Saturation * (time.Duration(t.At.RoundTrips())*rtt + t.Service).Seconds()
}

// Fit fits the service time and the saturation rate to the author's rates of
// one broker's cells.
func Fit(cells []*results.CellRuns) Theory {
	var t Theory
	for _, m := range cells {
		if r := rate(m); r > t.Peak {
			t.Peak, t.At = r, m.Cell
		}
	}
	// Which cells are bound by latency depends on the saturation rate, and the
	// other way round: begin with those of one connection, which can't saturate
	// anything, and go on until it settles.
	bound := func(m *results.CellRuns) bool { return m.Cell.Conns == 1 }
	if !slices.ContainsFunc(cells, bound) {
		bound = func(m *results.CellRuns) bool { return m.Cell.Latency > 0 }
	}
	for range 10 {
		before := t
		t.Service = fitService(cells, bound)
		t.Saturation = t.saturation(cells)
		if t.Service == before.Service && t.Saturation == before.Saturation {
			break
		}
		now := t
		bound = func(m *results.CellRuns) bool {
			return m.Cell.Conns == 1 || now.Regime(m) == LatencyBound
		}
	}
	final := t
	t.Delayed = fitService(cells, func(m *results.CellRuns) bool { return final.Regime(m) == LatencyBound })
	return t
}

// fitService returns the median of the service times that the bound cells have,
// each weighed by how exact it is: one per cent of a transaction of a second is
// ten milliseconds, of one of 4 ms it is 40 µs. A median, so that one
// cell that went wrong doesn't make the others look wrong.
func fitService(cells []*results.CellRuns, bound func(*results.CellRuns) bool) time.Duration {
	type guess struct{ t, weight float64 }
	var guesses []guess
	var sum float64
	for _, m := range cells {
		r := rate(m)
		if r <= 0 || !bound(m) {
			continue
		}
		d := effective(m.Cell) / r
		w := 1 / (d * d)
		guesses = append(guesses, guess{max(0, d-trip(m).Seconds()), w})
		sum += w
	}
	slices.SortFunc(guesses, func(a, b guess) int { return cmp.Compare(a.t, b.t) })
	var below float64
	for i, g := range guesses {
		below += g.weight
		if below*2 > sum {
			return time.Duration(g.t * float64(time.Second))
		}
		if below*2 == sum && i+1 < len(guesses) {
			return time.Duration((g.t + guesses[i+1].t) / 2 * float64(time.Second))
		}
	}
	return 0
}

// saturation returns the mean of the cells on the plateau, 0 without evidence
// that there is one: cells near the peak that theory puts far apart.
func (t Theory) saturation(cells []*results.CellRuns) float64 {
	var sum float64
	var n int
	low, high := math.Inf(1), 0.0
	for _, m := range cells {
		r := rate(m)
		if r < plateau*t.Peak || r <= 0 {
			continue
		}
		theory := t.Rate(m)
		low, high = min(low, theory), max(high, theory)
		if theory > r/plateau { // below that, latency bounds it
			sum += r
			n++
		}
	}
	free := slices.ContainsFunc(cells, func(m *results.CellRuns) bool {
		return m.Cell.Latency == 0 && m.Cell.Conns > 1 && rate(m) >= plateau*t.Peak && t.Rate(m) > kneeEnds*rate(m)
	})
	if n == 0 || !free && high < 1.5*low {
		return 0
	}
	return sum / float64(n)
}

// Regime is what bounds a cell's rate.
type Regime int

const (
	// LatencyBound cells have latency, and stay far below saturation.
	LatencyBound Regime = iota
	// ServiceBound is the cell of one connection without latency: its rate is
	// 1/t by definition.
	ServiceBound
	// Knee cells lie between latency and saturation.
	Knee
	// Saturated cells offer more than the broker can take.
	Saturated
)

// String returns the regime in a word or two.
func (r Regime) String() string {
	return [...]string{"latency", "service", "knee", "saturated"}[r]
}

// Regime returns what bounds the cell's rate.
func (t Theory) Regime(m *results.CellRuns) Regime {
	if m.Cell.Latency == 0 && m.Cell.Conns == 1 {
		return ServiceBound
	}
	x := 0.0
	if t.Saturation > 0 {
		x = t.Rate(m) / t.Saturation
	}
	switch {
	case m.Cell.Latency > 0 && x < kneeBegins:
		return LatencyBound
	case x <= kneeEnds:
		return Knee
	}
	return Saturated
}
