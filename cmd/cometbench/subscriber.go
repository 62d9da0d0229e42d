package main

import (
	"context"
	"flag"
	"fmt"
)

func runSubscriber(ctx context.Context, std streams, args []string) error {
	fs := flag.NewFlagSet("subscriber", flag.ContinueOnError)
	fs.Usage = func() { fmt.Fprint(fs.Output(), "usage: cometbench subscriber\n") }
	if err := parseFlags(fs, std, args, false); err != nil {
		return err
	}
	return usageErrorf("subscriber: not there yet")
}
