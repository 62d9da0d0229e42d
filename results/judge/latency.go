package judge

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/stat"
)

// writeLatencies writes how long events took, and what went astray in which way, where
// any cell has that.
func writeLatencies(b *strings.Builder, cells []CellJudgement) {
	if !slices.ContainsFunc(cells, func(c CellJudgement) bool { return c.Latencies != nil }) {
		return
	}
	b.WriteString("\nhow long events took from their start (median of the runs; lost events aren't in it)\n")
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	heading := "latency\tconns\t"
	for _, f := range results.LatencyFigures() {
		heading += strings.ToLower(f.Heading) + "\t"
	}
	fmt.Fprintln(tw, heading)
	for _, c := range cells {
		if c.Latencies == nil {
			continue
		}
		fmt.Fprintf(tw, "%s\t%d\t", matrix.FormatLatency(c.Cell.Latency), c.Cell.Conns)
		for _, f := range results.LatencyFigures() {
			text := "-"
			if v, ok := c.Latencies[f.Unit]; ok {
				text = stat.FormatSeconds(v)
			}
			fmt.Fprintf(tw, "%s\t", text)
		}
		fmt.Fprintln(tw)
	}
	flush(tw)
	for _, c := range cells {
		if len(c.Losses) > 0 {
			fmt.Fprintf(b, "%s, %dc: astray: %s\n", matrix.FormatLatency(c.Cell.Latency), c.Cell.Conns, c.Losses)
		}
	}
}
