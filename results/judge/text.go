package judge

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"cometbench/matrix"
	"cometbench/results/stat"
)

// Write writes the report for people to read.
func (r *Judgement) Write(w io.Writer) error {
	var b strings.Builder
	for i, broker := range r.Brokers {
		if i > 0 {
			b.WriteString("\n")
		}
		r.broker(&b, broker)
	}
	if lost := r.Lost(); len(lost) > 0 {
		b.WriteString("\nruns without figures\n")
		for _, text := range lost {
			fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(text, "\n", "\n    "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Lost returns the runs without figures, each with the reason: those that were
// void, that can't be read, or that don't count.
func (r *Judgement) Lost() []string {
	var lost []string
	for _, v := range r.Set.Void {
		lost = append(lost, v.String())
	}
	return append(lost, r.Set.LeftOut...)
}

func (r *Judgement) broker(b *strings.Builder, broker BrokerJudgement) {
	fmt.Fprintf(b, "%s\n", cmp.Or(broker.Name, "(unnamed broker)"))
	if dates := broker.Dates(); dates != "" {
		fmt.Fprintf(b, "  measured: %s\n", dates)
	}
	t := broker.Theory
	fmt.Fprintf(b, "  service time t: %s", millis(t.Service))
	if t.Delayed > 0 {
		fmt.Fprintf(b, "; in the cells bound by latency: %s", millis(t.Delayed))
	}
	b.WriteString("\n")
	if t.Saturation > 0 {
		fmt.Fprintf(b, "  saturation: %s events/s; peak: %s at %s, %d connections\n", stat.FormatRate(t.Saturation),
			stat.FormatRate(t.Peak), matrix.FormatLatency(t.At.Latency), t.At.Conns)
		b.WriteString("  knee (connections):")
		for i, m := range latencies(broker.Cells) {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(b, " %s: %.0f", matrix.FormatLatency(m.Cell.Latency),
				t.Knee(trip(m.CellRuns)/time.Duration(m.Cell.RoundTrips())))
		}
		b.WriteString("\n")
	} else {
		fmt.Fprintf(b, "  saturation: not reached; peak: %s events/s at %s, %d connections\n", stat.FormatRate(t.Peak),
			matrix.FormatLatency(t.At.Latency), t.At.Conns)
	}
	b.WriteString("\n")

	measured := slices.ContainsFunc(broker.Cells, func(c CellJudgement) bool { return c.RTT() > 0 })
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(latency, conns, rtt string, rest ...string) {
		columns := []string{latency, conns}
		if measured {
			columns = append(columns, rtt)
		}
		fmt.Fprintln(tw, strings.Join(append(columns, rest...), "\t")+"\t")
	}
	row("latency", "conns", "RTT", "author-events/s", "paper", "theory", "of theory", "bound by", "missing", "")
	for _, c := range broker.Cells {
		paper, verdict, ratio, rtt := "-", "", "-", "-"
		if c.Paper > 0 {
			paper = stat.FormatRate(c.Paper)
		}
		switch {
		case c.Outside:
			verdict = "OUTSIDE"
		case c.Disturbed:
			verdict = "DISTURBED"
		case c.Regime == LatencyBound:
			verdict = "ok"
		}
		if !math.IsInf(c.Theory, 0) && c.Theory > 0 {
			ratio = fmt.Sprintf("%.0f %%", 100*c.Rate/c.Theory)
		}
		if c.RTT() > 0 {
			rtt = millis(c.RTT())
		}
		row(matrix.FormatLatency(c.Cell.Latency), strconv.Itoa(c.Cell.Conns), rtt, stat.FormatRate(c.Rate), paper,
			stat.FormatRate(c.Theory), ratio, c.Regime.String(), strconv.Itoa(c.Missing), verdict)
	}
	flush(tw)

	writeLatencies(b, broker.Cells)
	said := false
	for _, c := range broker.Cells {
		for _, finding := range c.Findings {
			if !said {
				b.WriteString("\n")
				said = true
			}
			fmt.Fprintf(b, "%s, %dc: %s\n", matrix.FormatLatency(c.Cell.Latency), c.Cell.Conns, finding)
		}
	}
	if slices.ContainsFunc(broker.Cells, func(c CellJudgement) bool { return c.Stability != nil }) {
		fmt.Fprintf(b, "\nhow well the runs repeat (%s-events/s, 95 %% intervals)\n", r.Role)
		r.stability(b, broker.Cells)
	}
}

func (r *Judgement) stability(b *strings.Builder, cells []CellJudgement) {
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "latency\tconns\truns\tmean\t±\tmedian\tfrom\tto\tspread\tfrom\tto\ttrend p\truns for ±1 %\t")
	for _, c := range cells {
		s := c.Stability
		if s == nil {
			continue
		}
		half := "-"
		if s.Mean.Value > 0 {
			half = fmt.Sprintf("%.2f %%", 100*(s.Mean.Hi-s.Mean.Value)/s.Mean.Value)
		}
		trend := fmt.Sprintf("%.2f", s.TrendP)
		if s.TrendP < r.Alpha {
			trend = fmt.Sprintf("%.1g", s.TrendP)
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", matrix.FormatLatency(c.Cell.Latency),
			c.Cell.Conns, s.Runs,
			stat.FormatRate(s.Mean.Value), half, stat.FormatRate(s.Median.Value), bound(s.Median.Lo),
			bound(s.Median.Hi),
			share(s.Spread.Value), share(s.Spread.Lo), share(s.Spread.Hi), trend, s.Needed)
	}
	flush(tw)
}

// flush ends a table; what it writes to can't fail.
func flush(tw *tabwriter.Writer) { _ = tw.Flush() }

// latencies returns one cell of each latency.
func latencies(cells []CellJudgement) []CellJudgement {
	var list []CellJudgement
	for _, c := range cells {
		if !slices.ContainsFunc(list, func(have CellJudgement) bool { return have.Cell.Latency == c.Cell.Latency }) {
			list = append(list, c)
		}
	}
	return list
}

func millis(d time.Duration) string { return fmt.Sprintf("%.3g ms", d.Seconds()*1e3) }

func bound(x float64) string {
	if math.IsInf(x, 0) {
		return "-" // too few runs
	}
	return stat.FormatRate(x)
}

func share(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100*x)
}
