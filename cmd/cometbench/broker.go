package main

import (
	"context"
	"flag"
	"fmt"
)

func runBroker(ctx context.Context, std streams, args []string) error {
	fs := flag.NewFlagSet("broker", flag.ContinueOnError)
	fs.Usage = func() { fmt.Fprint(fs.Output(), "usage: cometbench broker\n") }
	if err := parseFlags(fs, std, args, false); err != nil {
		return err
	}
	return usageErrorf("broker: not there yet")
}
