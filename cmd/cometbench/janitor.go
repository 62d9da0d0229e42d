package main

import (
	"context"
	"flag"

	"cometbench/testbed"
)

// runJanitor waits for the end of the benchmark that started it and removes
// what it left.
func runJanitor(ctx context.Context, std streams, args []string) error {
	fs := flag.NewFlagSet("janitor", flag.ContinueOnError)
	owner := fs.String("owner", "", "`label` of the benchmark to clean up after")
	if err := parseFlags(fs, std, args, true); err != nil {
		return err
	}
	if *owner == "" {
		return usageErrorf("janitor: -owner is required")
	}
	return testbed.Clean(ctx, std.in, *owner, fs.Args())
}
