package results

import (
	"path/filepath"
	"slices"
	"strings"
)

// Merge puts several sets into one, for figures and tables that show them
// side by side. A broker that more than one set has, or that has no name, is
// called by the set's source, too, so that sets are never mixed in one panel.
func Merge(sets ...*Set) *Set {
	if len(sets) == 1 {
		return sets[0]
	}
	times, short := map[string]int{}, map[string]int{}
	for _, s := range sets {
		short[shortSource(s.Source)]++
		all := Set{Cells: slices.Concat(s.Cells, s.Open)}
		for _, b := range all.Brokers() {
			times[b]++
		}
	}
	merged := &Set{}
	var sources []string
	for _, s := range sets {
		sources = append(sources, s.Source)
		name := shortSource(s.Source)
		if short[name] > 1 {
			name = s.Source
		}
		called := func(cells []CellRuns) []CellRuns {
			cells = slices.Clone(cells)
			for i := range cells {
				c := &cells[i].Cell
				if c.Broker == "" {
					c.Broker = name
				} else if times[c.Broker] > 1 {
					c.Broker += " (" + name + ")"
				}
			}
			return cells
		}
		merged.Cells = append(merged.Cells, called(s.Cells)...)
		merged.Open = append(merged.Open, called(s.Open)...)
		for _, v := range s.Void {
			v.Name = name + ": " + v.Name
			merged.Void = append(merged.Void, v)
		}
		merged.LeftOut = append(merged.LeftOut, s.LeftOut...)
		for _, c := range s.Config {
			if !slices.Contains(merged.Config, c) {
				merged.Config = append(merged.Config, c)
			}
		}
		for _, w := range s.Warnings {
			merged.Warnings = append(merged.Warnings, name+": "+w)
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
