package capacity

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"

	"cometbench/matrix"
	"cometbench/results/stat"
)

// Result is what a search found.
type Result struct {
	// Broker and Latency are what was measured.
	Broker  string
	Latency time.Duration
	// Pinned says in words which processors were whose, "" where the kernel chose.
	Pinned string
	// Bound is what the 99th percentile of the delivery latencies mustn't exceed.
	Bound time.Duration
	// Closed is the rate of the closed loop from which the search started, in
	// events per second.
	Closed float64
	// Lo is a rate that the broker keeps up with, 0 if there is none, and Hi one
	// that it doesn't, infinite if there is none.
	Lo, Hi float64
	// Trials are in the order in which they were made.
	Trials []*Trial
	// Took is how long it all took, and Ended says that time ran out before the
	// interval stood.
	Took  time.Duration
	Ended bool
	// Warnings say what makes it doubtful.
	Warnings []string
}

// late reports whether the author is why the upper end fails.
func (r *Result) late() bool {
	for _, t := range r.Trials {
		if t.Rate == r.Hi && t.Late {
			return true
		}
	}
	return false
}

// doubts says what the batches of those trials warn of that hold: brokers with too
// much to do drop connections, and so on.
func (r *Result) doubts() []string {
	var all []string
	for _, t := range r.Trials {
		if t.Verdict == Holds {
			all = append(all, t.Warnings...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("there were %d warnings at rates that hold, such as: %s", len(all), all[0])}
}

// Write writes the result for a person.
func (r *Result) Write(w io.Writer) error {
	fmt.Fprintf(w, "Capacity of %s, latency %s: %s\n", r.Broker, matrix.FormatLatency(r.Latency), r.interval())
	if r.Pinned != "" {
		fmt.Fprintf(w, "The processors were shared out: %s.\n", r.Pinned)
	}
	if r.Lo > 0 {
		fmt.Fprintf(w, "At %s events/s the backlog doesn't grow, and 99 %% of the events arrive within %v.\n",
			stat.FormatRate(r.Lo), r.Bound)
	}
	switch {
	case math.IsInf(r.Hi, 1):
	case r.late():
		fmt.Fprintf(w, "At %s events/s the author can't keep its schedule on this machine: the broker may take more.\n",
			stat.FormatRate(r.Hi))
	default:
		fmt.Fprintf(w, "At %s events/s the broker doesn't keep up any more.\n", stat.FormatRate(r.Hi))
	}
	if r.Ended {
		fmt.Fprintln(w, "The time was used up: a longer -budget narrows it.")
	}
	for _, text := range append(r.Warnings, r.doubts()...) {
		fmt.Fprintf(w, "warning: %s\n", text)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "events/s\tthe rate\tbacklog grows by\tp99 of delivery\tlost\tof events\t")
	events, lost := 0, 0
	for _, t := range r.Trials {
		verdict := t.Verdict.String()
		if t.Late {
			verdict = "author late"
		}
		fmt.Fprintf(table, "%s\t%s\t%.1f %%\t%.4g ms\t%d\t%s\t\n", stat.FormatRate(t.Rate), verdict, 100*t.Growth(),
			t.P99.Seconds()*1e3, t.Lost, stat.FormatCount(float64(t.Events)))
		events += t.Events
		lost += t.Lost
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d trials in %s; %s of %s events were lost. The search started from the closed "+
		"loop's %s events/s.\n", len(r.Trials), r.Took.Round(time.Second), stat.FormatCount(float64(lost)),
		stat.FormatCount(float64(events)), stat.FormatRate(r.Closed))
	return err
}

// interval says it in words.
func (r *Result) interval() string {
	switch {
	case r.Lo == 0 && (math.IsInf(r.Hi, 1) || r.late()):
		return "unknown"
	case r.Lo == 0:
		return fmt.Sprintf("less than %s events/s", stat.FormatRate(r.Hi))
	case math.IsInf(r.Hi, 1) || r.late():
		return fmt.Sprintf("%s events/s or more", stat.FormatRate(r.Lo))
	}
	return fmt.Sprintf("%s to %s events/s", stat.FormatRate(r.Lo), stat.FormatRate(r.Hi))
}
