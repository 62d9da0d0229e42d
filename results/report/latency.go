package report

import (
	"fmt"

	"cometbench/results"
	"cometbench/results/stat"
)

// newLatencies returns how long a cell's events took, and how many went astray
// in which way.
func newLatencies(m *results.CellRuns) row {
	r := row{Head: latency(m.Cell.Latency), Doubtful: len(m.Losses) > 0,
		Columns: []column{{"Connections", fmt.Sprint(m.Cell.Conns), ""}}}
	for _, f := range results.LatencyFigures() {
		text := "–"
		if v, ok := m.Latencies[f.Unit]; ok {
			text = stat.FormatSeconds(v)
		}
		r.Columns = append(r.Columns, column{f.Heading, text, ""})
	}
	astray := "–"
	if len(m.Losses) > 0 {
		astray = m.Losses.String()
	}
	r.Columns = append(r.Columns, column{"Astray", astray, ""})
	return r
}
