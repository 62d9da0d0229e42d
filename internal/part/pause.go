package part

import (
	"context"
	"flag"
	"fmt"
	"time"

	"cometbench/internal/command"
)

// runPause holds what it runs in, a namespace or a container, until its time
// is over or it is told to end.
func runPause(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("pause", flag.ContinueOnError)
	length := fs.Duration("for", time.Hour, "end by itself after this `time`")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench pause [-for 1h]\n\nEnds without an error when the time is over, and on SIGTERM or SIGINT.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	if *length <= 0 {
		return command.UsageErrorf("pause: -for %v: want a time above zero", *length)
	}
	timer := time.NewTimer(*length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}
