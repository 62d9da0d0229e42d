package figure

import (
	"time"

	"cometbench/results"
	"cometbench/results/judge"
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
// theory.
func FitService(set *results.Set) map[string]time.Duration {
	cells := make(map[string][]*results.CellRuns)
	for i := range set.Cells {
		m := &set.Cells[i]
		cells[m.Cell.Series()] = append(cells[m.Cell.Series()], m)
	}
	fits := make(map[string]time.Duration)
	for broker, of := range cells {
		if t := judge.Fit(of).Service; t > 0 {
			fits[broker] = t
		}
	}
	return fits
}
