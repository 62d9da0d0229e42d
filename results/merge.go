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
		for _, b := range s.Brokers() {
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
		for _, m := range s.Cells {
			if b := m.Cell.Broker; b == "" {
				m.Cell.Broker = name
			} else if times[b] > 1 {
				m.Cell.Broker = b + " (" + name + ")"
			}
			merged.Cells = append(merged.Cells, m)
		}
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
