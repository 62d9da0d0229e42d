package results

import (
	"time"

	"cometbench/results/backlog"
)

// OpenLoop is what a run of an open loop has besides.
type OpenLoop struct {
	// Offered and Achieved are rates in events/s: from the first event that was
	// due to the last, and from the first ack to the last.
	Offered  float64 `json:"offered"`
	Achieved float64 `json:"achieved"`
	// ScheduleP99 is how late the author itself began events: 99 % began no later
	// after they were due. Events that had to wait for a connection don't count.
	ScheduleP99 time.Duration `json:"schedule_p99_ns"`
	// Waited is how many events had to: they became due while as many connections
	// were open as may be.
	Waited int `json:"waited,omitempty"`
	// Backlog is nil where it isn't known when events were delivered.
	Backlog *backlog.Trend `json:"backlog,omitempty"`
	// Verdict says in words whether the broker kept up.
	Verdict string `json:"verdict,omitempty"`
}

// KeepsUp reports whether the broker kept up.
func (o *OpenLoop) KeepsUp() bool { return o.Backlog != nil && o.Backlog.Verdict == backlog.KeepsUp }

// paces returns the metrics that only runs of an open loop have.
func paces() []Metric {
	open := func(r *Run) bool { return r.OpenLoop != nil }
	return []Metric{
		{Unit: "offered-events/s", Better: "higher", Has: open,
			Of: func(r *Run) float64 { return r.OpenLoop.Offered }},
		{Unit: "achieved-events/s", Better: "higher", Has: open,
			Of: func(r *Run) float64 { return r.OpenLoop.Achieved }},
		{Unit: "schedule-p99-sec", Better: "lower", Has: open,
			Of: func(r *Run) float64 { return r.OpenLoop.ScheduleP99.Seconds() }},
		{Unit: "backlog-events", Better: "lower",
			Has: func(r *Run) bool { return open(r) && r.OpenLoop.Backlog != nil },
			Of:  func(r *Run) float64 { return float64(r.OpenLoop.Backlog.End) }},
		{Unit: "dropped-connections", Better: "lower", Has: open,
			Of: func(r *Run) float64 { return float64(r.Usage.ListenDrops) }},
	}
}
