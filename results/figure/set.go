package figure

import (
	"path/filepath"
	"slices"
	"strings"
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
			Broker:  m.Cell.Broker,
			Latency: m.Cell.Latency,
			Conns:   m.Cell.Conns,
			Rates:   m.Rates[role],
			Missing: m.Missing,
		})
	}
	return points
}

// Merge puts several sets into one, for figures and tables that show them
// side by side. A broker that more than one set has, or that has no name, is
// called by the set's source too, so that sets are never mixed in one panel.
func Merge(sets ...*results.Set) *results.Set {
	if len(sets) == 1 {
		return sets[0]
	}
	times := map[string]int{}
	for _, s := range sets {
		for _, b := range s.Brokers() {
			times[b]++
		}
	}
	merged := &results.Set{}
	var sources []string
	for _, s := range sets {
		sources = append(sources, s.Source)
		for _, m := range s.Cells {
			if b := m.Cell.Broker; b == "" {
				m.Cell.Broker = shortSource(s.Source)
			} else if times[b] > 1 {
				m.Cell.Broker = b + " (" + shortSource(s.Source) + ")"
			}
			merged.Cells = append(merged.Cells, m)
		}
		for _, v := range s.Void {
			v.Name = shortSource(s.Source) + ": " + v.Name
			merged.Void = append(merged.Void, v)
		}
		merged.LeftOut = append(merged.LeftOut, s.LeftOut...)
		for _, c := range s.Config {
			if !slices.Contains(merged.Config, c) {
				merged.Config = append(merged.Config, c)
			}
		}
		for _, w := range s.Warnings {
			merged.Warnings = append(merged.Warnings, shortSource(s.Source)+": "+w)
		}
	}
	merged.Source = strings.Join(sources, ", ")
	return merged
}

// shortSource names a file or folder by its last element.
func shortSource(path string) string {
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// FitService fits the service time t to each broker of a set, for the lines of
// theory.
func FitService(set *results.Set) map[string]time.Duration {
	cells := make(map[string][]*results.CellRuns)
	for i := range set.Cells {
		m := &set.Cells[i]
		cells[m.Cell.Broker] = append(cells[m.Cell.Broker], m)
	}
	fits := make(map[string]time.Duration)
	for broker, of := range cells {
		if t := judge.Fit(of).Service; t > 0 {
			fits[broker] = t
		}
	}
	return fits
}
