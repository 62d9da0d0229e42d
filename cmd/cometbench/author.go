package main

import (
	"context"
	"flag"
	"fmt"
)

func runAuthor(ctx context.Context, std streams, args []string) error {
	fs := flag.NewFlagSet("author", flag.ContinueOnError)
	fs.Usage = func() { fmt.Fprint(fs.Output(), "usage: cometbench author\n") }
	if err := parseFlags(fs, std, args, false); err != nil {
		return err
	}
	return usageErrorf("author: not there yet")
}
