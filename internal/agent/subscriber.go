package agent

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"

	"cometbench/embedded"
	"cometbench/internal/command"
	"cometbench/vtp"
)

// runSubscriber runs the embedded subscriber until it is told to end.
func runSubscriber(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("subscriber", flag.ContinueOnError)
	var c embedded.SubscriberConfig
	fs.StringVar(&c.Remote, "remote", loopback(vtp.BroadcastPort), "the broker's `address` for subscribers, host:port")
	fs.StringVar(&c.EventDB, "eventdb", "", "keep event databases in this empty `folder`")
	var l life
	l.flags(fs)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench subscriber -eventdb DIR [-remote HOST:PORT] [flags]\n\n"+
			"Receives events until SIGTERM or SIGINT.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	if c.EventDB == "" {
		return command.UsageErrorf("subscriber: -eventdb is required")
	}
	ctx, end := l.begin(ctx, std.In)
	defer end()
	debug.SetGCPercent(databaseGC)
	return embedded.Subscribe(ctx, c)
}
