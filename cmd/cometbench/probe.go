package main

import (
	"context"
	"flag"
	"fmt"
)

func runProbe(ctx context.Context, std streams, args []string) error {
	fs := flag.NewFlagSet("probe", flag.ContinueOnError)
	fs.Usage = func() { fmt.Fprint(fs.Output(), "usage: cometbench probe\n") }
	if err := parseFlags(fs, std, args, false); err != nil {
		return err
	}
	return usageErrorf("probe: not there yet")
}
