package main

import (
	"context"
	"flag"
	"fmt"

	"cometbench/internal/command"
	"cometbench/results"
)

// resultsFlags are the flags of the subcommands that read results.
type resultsFlags struct{ options results.Options }

// add registers the flags. JSON and benchmark output hold rates already, so
// how they are reckoned is a flag only where a tree is read.
func (f *resultsFlags) add(fs *flag.FlagSet) {
	fs.BoolVar(&f.options.Stale, "stale", false,
		"include runs of a tree whose databases hold more entries than events were sent")
	fs.StringVar(&f.options.Broker, "broker", "",
		"`name` of the broker in results that name none, as the original experiment's")
}

// load reads the results that the one operand names; - is the standard input.
// What is doubtful goes to stderr. If some runs can't be read, it returns the
// set of the others with an error.
func (f *resultsFlags) load(ctx context.Context, std command.Streams, fs *flag.FlagSet) (*results.Set, error) {
	path, err := operand(fs, "RESULTS")
	if err != nil {
		return nil, err
	}
	var set *results.Set
	if path == "-" {
		set, err = results.Read(std.In, "standard input", f.options)
	} else {
		set, err = results.Load(ctx, path, f.options)
	}
	warn(std, set)
	withoutOpen(std, set)
	return set, err
}

// withoutOpen says that what follows leaves out open loops, if a set has any.
func withoutOpen(std command.Streams, set *results.Set) {
	if set != nil && len(set.Open) > 0 {
		fmt.Fprintf(std.Err, "cometbench: %d cells of open loops (-rate) are left out: bench and report have them\n",
			len(set.Open))
	}
}

// warn writes to stderr what is doubtful in a set, if there is one, and its
// void runs.
func warn(std command.Streams, set *results.Set) {
	if set == nil {
		return
	}
	for _, w := range set.Warnings {
		fmt.Fprintf(std.Err, "cometbench: %s\n", w)
	}
	for _, v := range set.Void {
		fmt.Fprintf(std.Err, "cometbench: %s\n", v)
	}
}

// operand returns the one operand that a subcommand takes.
func operand(fs *flag.FlagSet, what string) (string, error) {
	switch fs.NArg() {
	case 1:
		return fs.Arg(0), nil
	case 0:
		return "", command.UsageErrorf("%s: want %s; cometbench help %s tells more", fs.Name(), what, fs.Name())
	}
	// Flags behind the operand would be ignored otherwise.
	return "", command.UsageErrorf("%s: want one %s behind the flags, not %q too", fs.Name(), what, fs.Arg(1))
}
