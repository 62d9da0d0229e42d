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
	var config testbed.Config
	err := selfTestbed(&config)
	if err == nil {
		var bed *testbed.Testbed
		if bed, err = testbed.New(ctx, config); err == nil {
			err = bed.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// selfTestbed configures a testbed whose roles are this command.
func selfTestbed(c *testbed.Config) (err error) {
	c.Command, err = os.Executable()
	c.Executable = testbed.Self
	return err
}
