package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"cometbench/images"
	"cometbench/internal/command"
	"cometbench/internal/engine"
	"cometbench/testbed"
)

// runSweep removes what dead processes left on this machine and its engine:
// what every benchmark does when it starts.
func runSweep(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("sweep", flag.ContinueOnError)
	kept := fs.Bool("images", false, "remove the images of Comets, too, and list them with what they took")
	command.Describe(fs, `usage: cometbench sweep [-images]

Removes the containers, networks and folders of benchmarks that were killed on
this machine, never those of one that is running. Every benchmark does so when
it starts. The images of Comets are kept, so that the next benchmark needn't
build them: each takes about 50 MB besides its base image.`)
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
	if err == nil && *kept {
		err = sweepImages(ctx, std)
	}
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// sweepImages removes the images of Comets, and names them.
func sweepImages(ctx context.Context, std command.Streams) error {
	e, err := engine.Dial(ctx, "")
	if err != nil {
		return err
	}
	builder := images.Builder{Client: e.Pool.Client}
	kept, err := builder.Kept(ctx)
	errs := []error{err}
	for _, image := range kept {
		if err := builder.Remove(ctx, image); err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Fprintln(std.Out, "removed", image)
	}
	return errors.Join(errs...)
}

// selfTestbed configures a testbed whose roles are this command.
func selfTestbed(c *testbed.Config) (err error) {
	c.Command, err = os.Executable()
	c.Executable = testbed.Self
	return err
}
