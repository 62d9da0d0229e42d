package agent

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
	l := life{length: time.Hour}
	l.flags(fs)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench pause [-for 1h]\n\n"+
			"Ends without an error when the time is over (an hour), and on SIGTERM or SIGINT.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	ctx, end := l.begin(ctx, std.In)
	defer end()
	<-ctx.Done()
	return nil
}
