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
	var engines []string
	fs.Func("engine", "clean up this `engine`, a URL or a Docker context; \"\" is the one that docker would use",
		func(name string) error {
			engines = append(engines, name)
			return nil
		})
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench janitor -owner LABEL [-engine ENGINE]... [FOLDER...]\n\n"+
			"Waits for the end of standard input, and then removes what the owner has left on\n"+
			"the engines, and its folders. The benchmark starts one beside itself.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if *owner == "" {
		return command.UsageErrorf("janitor: -owner is required")
	}
	return engine.Clean(ctx, std.In, *owner, engines, fs.Args())
}
