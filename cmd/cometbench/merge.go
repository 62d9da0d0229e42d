package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"cometbench/internal/command"
	"cometbench/results/campaign"
)

// runMerge puts the trees of shards together.
func runMerge(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("merge", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench merge -o DIR SHARD...

Puts trees of runs, such as the shards of a campaign, into one new tree. It says
what is missing of the shards' plan, by cell and count, and prints the commands
that make it: run them, and merge again into another folder. The exit status is 1
where runs are missing.

A run that two trees hold is counted once. Nothing is merged where two runs should
be one and differ, where the trees are of different plans, or where a broker's
runs were made with different software: the error names both.

What a machine bounds can't be compared between kinds of machine (kernel, engine,
processors). So where a broker's cells without latency, or saturated ones, come
from several kinds, each kind has them under a label of its own, such as
comet-3.1.0~a1b2c3. Cells that only latency bounds are the same on any machine, to
a tenth: they stay together.

Runs with latency whose shard had no cell without latency at one connection get
the service time t of theory from such runs of the same kind of machine.`)
	to := fs.String("o", "", "`folder` of the merged tree, a new one")
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if *to == "" || fs.NArg() == 0 {
		return command.UsageErrorf("merge: want -o DIR and the folders of trees; cometbench help merge tells more")
	}
	merged, err := campaign.Merge(ctx, *to, fs.Args()...)
	if err != nil {
		return err
	}
	for _, text := range merged.Foreign {
		fmt.Fprintf(std.Err, "cometbench: %s\n", text)
	}
	return writeMerged(std.Out, *to, merged)
}

// writeMerged says what came of a merge. What is missing is an error.
func writeMerged(w io.Writer, to string, m *campaign.Merged) error {
	fmt.Fprintf(w, "%s: %d runs", to, m.Runs)
	if m.Void > 0 {
		fmt.Fprintf(w, ", %d void", m.Void)
	}
	if m.Twice > 0 {
		fmt.Fprintf(w, "; %d were in more than one tree, and count once", m.Twice)
	}
	fmt.Fprintln(w)
	for _, g := range m.Groups {
		if g.Pooled > 0 {
			fmt.Fprintf(w, "%s: %d cells bound by latency are pooled from several kinds of machine\n", g.Broker,
				g.Pooled)
		}
		for _, k := range g.Kinds {
			fmt.Fprintf(w, "%s: %d cells that the machine bounds, of %s\n", k.Label, k.Cells, k.Machine)
		}
	}
	missing := 0
	for _, c := range m.Missing {
		fmt.Fprintf(w, "missing: %d of %d runs of %s (shard %d)\n", c.Runs, m.Plan.Count, c.Dir(), c.Shard)
		missing += c.Runs
	}
	if missing == 0 {
		return nil
	}
	for _, line := range m.Commands() {
		fmt.Fprintln(w, line)
	}
	return fmt.Errorf("%s: %d of %d runs of the plan are missing", to, missing, m.Plan.Count*len(m.Plan.Cells))
}
