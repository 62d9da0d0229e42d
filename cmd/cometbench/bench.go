package main

import (
	"context"
	"flag"
	"fmt"

	"cometbench/internal/command"
	"cometbench/results"
)

// runBench prints a tree of runs as the benchmark would have.
func runBench(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench bench [flags] DIR | go tool benchstat -

Prints the runs of a tree as the benchmark printed them, in the order in which
they were run, so that kept runs go through benchstat too. Runs that can't be
read or are left out are named on stderr and make the exit status 1; the others
are printed all the same.`)
	var f resultsFlags
	f.add(fs)
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	dir, err := operand(fs, "DIR")
	if err != nil {
		return err
	}
	return results.WriteBenchmark(ctx, std.Out, dir, f.options, func(text string) {
		fmt.Fprintf(std.Err, "cometbench: %s\n", text)
	})
}
