package main

import (
	"context"
	"flag"
	"fmt"

	"cometbench/internal/command"
	"cometbench/internal/program"
)

// runVersion prints what run.json says of the program that made a run.
func runVersion(_ context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("version", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench version

Prints the version, the commit and the Go that this command was built from.`)
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	_, err := fmt.Fprintln(std.Out, "cometbench", program.Read())
	return err
}
