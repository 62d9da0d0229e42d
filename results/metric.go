package results

import (
	"slices"
	"time"
)

// Metric is a kind of figure that runs have.
type Metric struct {
	// Unit names it as benchmarks print it: "author-events/s".
	Unit string
	// Better is the direction in which its figures improve, as benchfmt's unit
	// metadata has it: "higher" or "lower".
	Better string
	// Compared metrics are the broker's, and have rows in comparisons. Those of
	// the set-up, the delay and our own processes don't, nor do lost events,
	// which are judged by exact counts.
	Compared bool
	// Decides marks the metrics that decide a comparison: how fast the broker
	// takes events, and how fast it passes them on.
	Decides bool
	// Has reports whether a run has such a figure, and Of returns it if so.
	Has func(*Run) bool
	Of  func(*Run) float64
}

// Units that are read back from records.
const (
	timeUnit    = "sec/op"
	missingUnit = "missing-events"
	rttUnit     = "rtt-sec"
)

// Metrics returns all metrics, in the order in which benchmarks print them. The
// author time, sec/op, is the first; package testing prints it itself.
func Metrics() []Metric { return append(common(), paces()...) }

// common returns the metrics that closed loops have as well.
func common() []Metric {
	const higher, lower = "higher", "lower"
	seconds := func(of func(*Run) time.Duration) func(*Run) float64 {
		return func(r *Run) float64 { return of(r).Seconds() }
	}
	elapsed := seconds(func(r *Run) time.Duration { return r.Author.Elapsed })
	rtt := seconds(func(r *Run) time.Duration { return r.RTT })
	baseRTT := seconds(func(r *Run) time.Duration { return r.BaseRTT })
	outside := seconds(func(r *Run) time.Duration { return r.Outside })
	missing := func(r *Run) float64 { return float64(r.Missing()) }
	cpu := func(r *Run) float64 { return r.HarnessCPU.Seconds() / float64(r.Author.Sent) }

	used := func(role Role) func(*Run) bool {
		return func(r *Run) bool { return r.CPUPerEvent(role) > 0 }
	}
	perEvent := func(role Role) func(*Run) float64 {
		return func(r *Run) float64 { return r.CPUPerEvent(role) }
	}
	peak := func(r *Run) float64 { return float64(r.Usage.Broker.PeakRSS) }
	resident := func(r *Run) bool { return r.Usage.Broker.PeakRSS > 0 }

	always := func(*Run) bool { return true }
	broker := func(r *Run) bool { return r.Broker.Format != "" }
	subscriber := func(r *Run) bool { return r.Subscriber.Format != "" }
	far := func(r *Run) bool { return r.Cell.Latency > 0 || r.RTT > 0 }
	overlap := func(r *Run) bool { return r.Beside != nil }
	beside := func(r *Run) float64 { return r.Beside.Mean }
	measured := func(r *Run) bool { return r.HarnessCPU > 0 && r.Author.Sent > 0 }
	metrics := []Metric{
		{timeUnit, lower, true, false, always, elapsed},
		{RoleAuthor.Unit(), higher, true, true, always, (*Run).AuthorRate},
		{RoleBroker.Unit(), higher, true, false, broker, (*Run).BrokerRate},
		{RoleSubscriber.Unit(), higher, true, true, subscriber, (*Run).SubscriberRate},
		{missingUnit, lower, false, false, subscriber, missing},
		{rttUnit, lower, false, false, far, rtt},
		{"base-rtt-sec", lower, false, false, far, baseRTT},
		{"theory-ratio", higher, false, false, (*Run).inTheory, (*Run).TheoryRatio},
		{"harness-cpu-sec/event", lower, false, false, measured, cpu},
		{"broker-cpu-sec/event", lower, false, false, used(RoleBroker), perEvent(RoleBroker)},
		{"subscriber-cpu-sec/event", lower, false, false, used(RoleSubscriber), perEvent(RoleSubscriber)},
		{"author-cpu-sec/event", lower, false, false, used(RoleAuthor), perEvent(RoleAuthor)},
		{"broker-rss-bytes", lower, false, false, resident, peak},
		{"outside-sec", lower, false, false, always, outside},
		{"runs-beside", lower, false, false, overlap, beside},
	}
	return slices.Concat(metrics, latencies(), fanOuts())
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
		if m.Has(r) {
			list = append(list, Figure{m.Unit, m.Of(r)})
		}
	}
	return list
}
