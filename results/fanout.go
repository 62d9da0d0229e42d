package results

import (
	"time"

	"cometbench/results/journey"
)

// FanOut is how events reached all of several subscribers.
type FanOut struct {
	// Last is how long events took from their start to the last subscriber, and
	// Spread the time from the first subscriber to the last. Both are of the
	// events that reached all, and nil where there are none or clocks differ.
	Last   *journey.Latency `json:"last,omitempty"`
	Spread *journey.Latency `json:"spread,omitempty"`
	// MissingAtAny is how many events one subscriber or more didn't get, and
	// MissingInAll how many deliveries that are.
	MissingAtAny int `json:"missing_at_any"`
	MissingInAll int `json:"missing_in_all"`
	// Reconnected is how often one of the light subscribers lost its connection.
	Reconnected int `json:"reconnected,omitempty"`
}

// fanOuts returns the metrics of several subscribers.
func fanOuts() []Metric {
	var list []Metric
	for _, figure := range []struct {
		name string
		of   func(*FanOut) *journey.Latency
	}{
		{"last-delivery", func(f *FanOut) *journey.Latency { return f.Last }},
		{"spread", func(f *FanOut) *journey.Latency { return f.Spread }},
	} {
		for _, p := range percentiles() {
			of := func(r *Run) time.Duration {
				if r.FanOut == nil || figure.of(r.FanOut) == nil {
					return 0
				}
				return p.of(figure.of(r.FanOut))
			}
			list = append(list, Metric{
				Unit: figure.name + "-" + p.name + "-sec", Better: "lower",
				Has: func(r *Run) bool { return of(r) > 0 },
				Of:  func(r *Run) float64 { return of(r).Seconds() },
			})
		}
	}
	return append(list, Metric{
		Unit: "missing-at-any-events", Better: "lower",
		Has: func(r *Run) bool { return r.FanOut != nil },
		Of:  func(r *Run) float64 { return float64(r.FanOut.MissingAtAny) },
	})
}
