// Package cometbench measures brokers of VOEvents, as the author of Comet once
// did by hand for the paper: an author sends 10,000 events over N simultaneous
// connections to a broker with one subscriber, and latency is added to what
// the author sends.
//
// The package is its benchmarks, BenchmarkThroughput above all:
//
//	go test -run='^$' -bench=. . | tee -i results.txt | go tool benchstat -
//
// measures the broker that is built into this module and, where a Docker
// engine answers, the newest release of Comet. Flags choose others:
//
//	go test -run='^$' -bench=. -count=10 . -broker=comet-1.1.0,comet-3.1.0 -latency=0,100ms -conns=1,16,64
//
// One op is one run of the experiment; with -benchtime=DURATION a cell is run until
// that time is over, and its figures are means. Each run has three rates, in
// events/s: what the author had acked over the time it took, and what was found
// in the broker's and in the subscriber's event database over the time between
// the first and the last entry. missing-events is what was sent and isn't in the
// subscriber's database. README.md says how to read the rest.
//
// BenchmarkLatency lets events become due at a rate, whatever the broker does, and
// measures how long they take; it runs with -bench=Latency and a -rate such as
// 50,250. docs/latency.md has more.
//
// A run that is void is repeated once. If it is void again its benchmark fails,
// the others go on, and the last line says how many runs of which cells are void.
package cometbench
