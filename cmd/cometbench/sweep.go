package main

import (
	"context"
	"flag"
	"fmt"

	"cometbench/testbed"
)

// runSweep removes what dead processes left on this machine and its engine:
// what every benchmark does when it starts.
func runSweep(ctx context.Context, std streams, args []string) error {
	fs := flag.NewFlagSet("sweep", flag.ContinueOnError)
	describe(fs, `usage: cometbench sweep

Removes the containers, networks and folders of benchmarks that were killed on
this machine, never those of one that is running. Every benchmark does so when
it starts.`)
	if err := parseFlags(fs, std, args, false); err != nil {
		return err
	}
	bed, err := testbed.New(ctx, testbed.Config{Executable: testbed.Self})
	if err == nil {
		err = bed.Close()
	}
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}
