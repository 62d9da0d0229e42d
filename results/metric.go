package results

import "time"

// Metric is a kind of figure that runs have.
type Metric struct {
	// Unit names it as benchmarks print it: "author-events/s".
	Unit string
	// Better is the direction in which its figures improve, as benchfmt's unit
	// metadata has it: "higher" or "lower".
	Better string
	// Compared metrics are the broker's, and stand in comparisons. Those of the
	// set-up, the delay and our own processes don't, nor do lost events, which
	// are judged by exact counts.
	Compared bool
	// Decides marks the metrics that decide a comparison: how fast the broker
	// takes events, and how fast it hands them on.
	Decides bool
	// Of returns the figure of a run, and whether the run has one.
	Of func(*Run) (float64, bool)
}

// Units that are read back from records.
const (
	timeUnit    = "sec/op"
	missingUnit = "missing-events"
	rttUnit     = "rtt-sec"
)

// Metrics returns all metrics, in the order in which benchmarks print them. The
// author time, sec/op, is the first; package testing prints it itself.
func Metrics() []Metric {
	const higher, lower = "higher", "lower"
	ofAuthor := func(of func(*Run) float64) func(*Run) (float64, bool) {
		return func(r *Run) (float64, bool) { return of(r), true }
	}
	delayed := func(of func(*Run) float64) func(*Run) (float64, bool) {
		return func(r *Run) (float64, bool) { return of(r), r.Cell.Latency > 0 }
	}
	seconds := func(of func(*Run) time.Duration) func(*Run) float64 {
		return func(r *Run) float64 { return of(r).Seconds() }
	}
	return []Metric{
		{timeUnit, lower, true, false, ofAuthor(seconds(func(r *Run) time.Duration { return r.Author.Elapsed }))},
		{RoleAuthor.Unit(), higher, true, true, ofAuthor((*Run).AuthorRate)},
		{RoleBroker.Unit(), higher, true, false, func(r *Run) (float64, bool) { return r.BrokerRate(), r.Broker.Format != "" }},
		{RoleSubscriber.Unit(), higher, true, true, func(r *Run) (float64, bool) { return r.SubscriberRate(), r.Subscriber.Format != "" }},
		{missingUnit, lower, false, false, func(r *Run) (float64, bool) { return float64(r.Missing()), r.Subscriber.Format != "" }},
		{rttUnit, lower, false, false, delayed(seconds(func(r *Run) time.Duration { return r.RTT }))},
		{"base-rtt-sec", lower, false, false, delayed(seconds(func(r *Run) time.Duration { return r.BaseRTT }))},
		{"theory-ratio", higher, false, false, delayed((*Run).TheoryRatio)},
		{"harness-cpu-sec/event", lower, false, false, func(r *Run) (float64, bool) {
			return r.HarnessCPU.Seconds() / float64(max(1, r.Author.Sent)), r.HarnessCPU > 0 && r.Author.Sent > 0
		}},
		{"outside-sec", lower, false, false, ofAuthor(seconds(func(r *Run) time.Duration { return r.Outside }))},
	}
}

// Figure is one figure of a run.
type Figure struct {
	Unit  string
	Value float64
}

// Figures returns the run's figures besides sec/op, which is the author time. A
// figure that a database would give is left out where there was none.
func (r *Run) Figures() []Figure {
	var list []Figure
	for _, m := range Metrics()[1:] {
		if v, ok := m.Of(r); ok {
			list = append(list, Figure{m.Unit, v})
		}
	}
	return list
}
