package cometbench

import "testing"

// BenchmarkLatency is the experiment as an open loop: events become due at a rate,
// whatever the broker does, and their latencies count from then on. How long does
// an event take to its ack and to the subscriber, and does the broker keep up?
//
// It runs where there is a -rate. One op is one run, as in BenchmarkThroughput.
func BenchmarkLatency(b *testing.B) {
	if len(options.Matrix.Paces) == 0 {
		b.Skip("no -rate was given, such as -rate=50,250")
	}
	runCells(b)
}
