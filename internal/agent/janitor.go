package agent

import (
	"context"
	"flag"
	"fmt"

	"cometbench/internal/command"
	"cometbench/internal/engine"
)

// runJanitor waits for the end of the benchmark that started it and removes
// what it left.
func runJanitor(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("janitor", flag.ContinueOnError)
	owner := fs.String("owner", "", "`label` of the benchmark to clean up after")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench janitor -owner LABEL [FOLDER...]\n\n"+
			"Waits for the end of standard input, and then removes what the owner has left on\n"+
			"the engine, and its folders. The benchmark starts one beside itself.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if *owner == "" {
		return command.UsageErrorf("janitor: -owner is required")
	}
	return engine.Clean(ctx, std.In, *owner, fs.Args())
}
