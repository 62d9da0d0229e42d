// Command cometbench compares brokers, reads what the benchmark has kept, and
// holds the roles of an experiment, which run inside containers and network
// namespaces, where the benchmark starts them, and by hand.
//
//	cometbench help
//
// lists its subcommands. Results go to stdout, everything else to stderr. It
// exits with 2 where it was called wrongly, with 1 on other errors, except
// where a subcommand's help says otherwise.
package main

import (
	"os"

	"cometbench/internal/agent"
	"cometbench/internal/command"
)

// commands returns every subcommand in the order in which help lists them:
// those that people use first, those that the benchmark starts after.
func commands() command.List {
	return append(command.List{
		{Name: "compare", Synopsis: "tell whether one broker is slower than another", Run: runCompare},
		{Name: "bisect", Synopsis: "find the commit that made Comet slower", Run: runBisect},
		{Name: "history", Synopsis: "draw brokers that were compared with the same one", Run: runHistory},
		{Name: "capacity", Synopsis: "find the highest rate that a broker keeps up with", Run: runCapacity},
		{Name: "aggregate", Synopsis: "summarize kept runs as JSON, as the paper does", Run: runAggregate},
		{Name: "bench", Synopsis: "print kept runs as the benchmark prints them", Run: runBench},
		{Name: "check", Synopsis: "hold results against theory, the paper and each other", Run: runCheck},
		{Name: "plot", Synopsis: "draw throughput against connections or latency", Run: runPlot},
		{Name: "report", Synopsis: "write results as one HTML file", Run: runReport},
		{Name: "merge", Synopsis: "put the trees of a campaign's shards together", Run: runMerge},
		{Name: "dump", Synopsis: "print the entries of an event database, or a summary", Run: runDump},
		{Name: "sweep", Synopsis: "remove what benchmarks that were killed have left", Run: runSweep},
		{Name: "version", Synopsis: "print which version this is", Run: runVersion},
	}, agent.Commands()...)
}

func main() { os.Exit(commands().Main()) }
