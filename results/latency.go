package results

import (
	"time"

	"cometbench/results/journey"
)

// latencies returns the metrics of how long events took to their ack and to the
// subscriber's database.
func latencies() []Metric {
	var list []Metric
	for _, stage := range []journey.Stage{journey.Ack, journey.Delivery} {
		for _, p := range percentiles() {
			of := func(r *Run) time.Duration {
				if r.Journeys == nil || r.Journeys.Of(stage) == nil {
					return 0
				}
				return p.of(r.Journeys.Of(stage))
			}
			list = append(list, Metric{
				Unit: stage.String() + "-" + p.name + "-sec", Better: "lower",
				Has: func(r *Run) bool { return of(r) > 0 },
				Of:  func(r *Run) float64 { return of(r).Seconds() },
			})
		}
	}
	return list
}

// percentile is one of those that are metrics.
type percentile struct {
	name string
	of   func(*journey.Latency) time.Duration // 0 where there are too few events
}

func percentiles() []percentile {
	return []percentile{
		{"p50", func(l *journey.Latency) time.Duration { return l.P50 }},
		{"p99", func(l *journey.Latency) time.Duration { return l.P99 }},
		{"p99.9", func(l *journey.Latency) time.Duration { return l.P999 }},
		{"max", func(l *journey.Latency) time.Duration { return l.Max }},
	}
}
