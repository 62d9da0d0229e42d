package main

import (
	"context"
	"flag"
	"fmt"

	"cometbench/internal/command"
)

// runAggregate summarizes a tree of runs as JSON.
func runAggregate(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("aggregate", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench aggregate [flags] RESULTS

Summarizes runs as JSON, in the form in which the paper's results are
published: latency in ms → connections → author, broker, subscriber (min, max,
mean and population standard deviation of the rates in events/s), and missing,
the sum over all runs. Where they are known, there are also the latencies in
seconds (the median of the runs' percentiles, the longest of all), and how many
events were lost in which way. With several brokers there is a level of their names
around it. Cells without runs are left out.

RESULTS is a tree of runs (BROKER/100ms/64c/run1, or the original experiment's
100ms/64c/run1), the output of the benchmark, or JSON; - is the standard input.

Runs that can't be read or are left out (with a stale database, in a folder that
isn't a tree's, in a torn line) are named on stderr and make the exit status 1;
the others are summarized all the same. Void runs and files that aren't part of
a tree are named on stderr.`)
	var f resultsFlags
	f.add(fs)
	fs.BoolVar(&f.options.Paper, "paper", false,
		"divide the events sent by each time, as the paper does, not those acked or stored")
	outer := fs.Bool("brokers", false, "write the level of broker names for a single broker too")
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	set, err := f.load(ctx, std, fs)
	if set == nil {
		return err
	}
	for _, m := range set.Cells {
		for _, w := range m.Warnings {
			fmt.Fprintf(std.Err, "cometbench: %s\n", w)
		}
	}
	if len(set.Cells) > 0 {
		if err := set.WriteJSON(std.Out, *outer); err != nil {
			return err
		}
	}
	return err
}
