package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"cometbench/internal/command"
	"cometbench/testbed"
)

// runSweep removes what dead processes left on this machine and its engine:
// what every benchmark does when it starts.
func runSweep(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("sweep", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench sweep

Removes the containers, networks and folders of benchmarks that were killed on
this machine, never those of one that is running. Every benchmark does so when
it starts.`)
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	bed, err := newTestbed(ctx, testbed.Config{})
	if err == nil {
		err = bed.Close()
	}
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// newTestbed makes a testbed whose parts are this command.
func newTestbed(ctx context.Context, c testbed.Config) (*testbed.Testbed, error) {
	var err error
	if c.Command, err = os.Executable(); err != nil {
		return nil, err
	}
	c.Executable = testbed.Self
	return testbed.New(ctx, c)
}
