package report

import (
	"fmt"
	"strings"

	"cometbench/results"
	"cometbench/results/stat"
)

// openRow returns the row of a cell of an open loop. Figures are medians of its
// runs.
func openRow(m *results.CellRuns) row {
	const none = "–"
	figure := func(unit string, write func(float64) string) string {
		var values []float64
		for _, run := range m.Runs {
			if v, ok := run.Figures[unit]; ok {
				values = append(values, v)
			}
		}
		if len(values) == 0 {
			return none
		}
		return write(stat.Median(values))
	}
	ms := func(seconds float64) string { return fmt.Sprintf("%.4g ms", seconds*1e3) }
	name := strings.ReplaceAll(strings.TrimPrefix(m.Cell.String(), "broker="), "/", ", ")
	r := row{Head: name, Columns: []column{
		{"Runs", fmt.Sprint(len(m.Runs)), ""},
		{"Offered", figure("offered-events/s", stat.FormatRate), ""},
		{"Achieved", figure("achieved-events/s", stat.FormatRate), ""},
		{"Ack p99", figure("ack-p99-sec", ms), ""},
		{"Delivery p50", figure("delivery-p50-sec", ms), ""},
		{"Delivery p99", figure("delivery-p99-sec", ms), ""},
		{"Delivery max", figure("delivery-max-sec", ms), ""},
		{"Author late, p99", figure("schedule-p99-sec", ms), ""},
		{"Backlog", figure("backlog-events", stat.FormatCount), ""},
		{"Missing", fmt.Sprint(m.Missing), ""},
		{"Keeps up", none, ""},
	}}
	verdicts := make(map[bool]int)
	for _, run := range m.Runs {
		if run.OpenLoop != nil {
			verdicts[run.OpenLoop.KeepsUp()]++
		}
		r.Doubtful = r.Doubtful || len(run.Warnings) > 0
	}
	switch last := &r.Columns[len(r.Columns)-1]; {
	case verdicts[true] > 0 && verdicts[false] > 0:
		last.Text = fmt.Sprintf("in %d of %d runs", verdicts[true], verdicts[true]+verdicts[false])
	case verdicts[true] > 0:
		last.Text = "yes"
	case verdicts[false] > 0:
		last.Text = "no, or unclear"
	}
	r.Doubtful = r.Doubtful || m.Missing != 0 || verdicts[false] > 0
	return r
}

// openFindings are what the runs of an open loop warn of, or say.
func openFindings(m *results.CellRuns) []string {
	var list []string
	for _, run := range m.Runs {
		texts := run.Warnings
		if run.OpenLoop != nil && run.OpenLoop.KeepsUp() {
			texts = append([]string{"the broker " + run.OpenLoop.Verdict}, texts...)
		}
		for _, text := range texts {
			list = append(list, run.Name+": "+text)
		}
	}
	return list
}
