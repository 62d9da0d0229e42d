// Package agent holds the programs that an experiment runs in a role's place or
// beside it: author, broker and subscriber, what delays and measures their
// network, and what cleans up after them. The cometbench command has them as
// subcommands; so has the benchmark itself, which on its own machine starts its
// own executable.
//
// What a program prints for the experiment is one type here, which both write
// and read as JSON.
package agent

import "cometbench/internal/command"

// Commands returns the programs, as subcommands.
func Commands() command.List {
	return command.List{
		{Name: "author", Synopsis: "send events to a broker and report how they fared", Run: runAuthor},
		{Name: "probe", Synopsis: "send one event to a broker, trying until it is acked", Run: runProbe},
		{Name: "try", Synopsis: "send each event of a payload to a broker once", Run: runTry},
		{Name: "broker", Synopsis: "run the embedded broker", Run: runBroker},
		{Name: "subscriber", Synopsis: "run the embedded subscriber", Run: runSubscriber},
		{Name: "audience", Synopsis: "run many subscribers that keep no events", Run: runAudience},
		{Name: "rtt", Synopsis: "measure the round trip to a TCP port", Run: runRTT},
		{Name: "delay", Synopsis: "delay what a network interface sends", Run: runDelay},
		{Name: "clock", Synopsis: "tell the time, or set this machine's clock beside another's", Run: runClock},
		{Name: "usage", Synopsis: "print the network counters and the CPU time of a process", Run: runUsage},
		{Name: "pair", Synopsis: "hold two network namespaces that are joined", Run: runPair},
		{Name: "within", Synopsis: "run a command in another network namespace", Run: runWithin},
		{Name: "serve", Synopsis: "run the subcommands that it reads, one after another", Run: runServe},
		{Name: "pause", Synopsis: "do nothing, for a while: it holds a namespace or a container", Run: runPause},
		{Name: "janitor", Synopsis: "clean up after a benchmark that ended without doing so", Run: runJanitor},
		{Name: "tar", Synopsis: "write a folder as a tar archive on stdout", Run: runTar},
	}
}
