package figure

import (
	"slices"
	"time"

	"cometbench/results"
	"cometbench/results/judge"
	"cometbench/results/stat"
)

// FromSet returns the points of a set of results for one role.
func FromSet(set *results.Set, role results.Role) []Point {
	var points []Point
	for i := range set.Cells {
		m := &set.Cells[i]
		points = append(points, Point{
			Broker:  m.Cell.Series(),
			Latency: m.Cell.Latency,
			Conns:   m.Cell.Conns,
			Rates:   m.Rates[role],
			Missing: m.Missing, Bottleneck: m.Bottleneck,
		})
	}
	return points
}

// FitService fits the service time t to each broker of a set, for the lines of
// theory. These know the latency only: where author and broker were on two machines,
// the round trips between them are in t.
func FitService(set *results.Set) map[string]time.Duration {
	cells := make(map[string][]*results.CellRuns)
	for i := range set.Cells {
		m := &set.Cells[i]
		cells[m.Cell.Series()] = append(cells[m.Cell.Series()], m)
	}
	fits := make(map[string]time.Duration)
	for broker, of := range cells {
		t := judge.Fit(of).Service
		if slices.ContainsFunc(set.Config, func(c results.ConfigLine) bool { return c.Key == results.AuthorEngine }) {
			t += distance(of)
		}
		if t > 0 {
			fits[broker] = t
		}
	}
	return fits
}

// distance returns the time of a transaction's round trips between two machines, as
// far as they aren't latency that was asked for.
func distance(cells []*results.CellRuns) time.Duration {
	var trips []time.Duration
	for _, m := range cells {
		if rtt := m.RTT(); rtt > 0 {
			trips = append(trips, time.Duration(m.Cell.RoundTrips())*max(0, rtt-m.Cell.Latency))
		}
	}
	return stat.Median(trips)
}
