package cometbench

import (
	"testing"

	"cometbench/results"
)

// BenchmarkThroughput is the paper's experiment: an author sends events to a
// broker as fast as it can over at most conns simultaneous connections, one
// event a connection; one subscriber is attached to the broker; latency is a
// one-way delay added to what the author sends. How long did the author take
// to send, the broker to receive, and the subscriber to receive?
//
// One op is one run, with fresh containers (or processes) and empty event
// databases; sec/op is the author's time.
func BenchmarkThroughput(b *testing.B) {
	x := newExperiment(b)
	for _, cell := range x.cells() {
		b.Run(cell.String(), func(b *testing.B) {
			var runs []*results.Run
			for b.Loop() {
				b.StopTimer() // the run starts it for the measured phase only
				runs = append(runs, x.run(b, cell))
				b.StartTimer()
			}
			report(b, runs)
		})
	}
}

// report prints the means of the runs' figures; by default there is one run.
func report(b *testing.B, runs []*results.Run) {
	var seconds float64
	sums := make(map[string]float64)
	for _, run := range runs {
		seconds += run.Author.Elapsed.Seconds()
		for _, f := range run.Figures() {
			sums[f.Unit] += f.Value
		}
	}
	n := float64(len(runs))
	b.ReportMetric(seconds/n*1e9, "ns/op")
	for unit, sum := range sums {
		b.ReportMetric(sum/n, unit)
	}
}
