package agent

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"cometbench/embedded"
	"cometbench/internal/command"
	"cometbench/matrix"
	"cometbench/vtp"
)

// Attached is what audience prints when all subscribers are connected.
type Attached struct {
	Subscribers int `json:"subscribers"`
}

// DeliveriesFile is the usual name of what audience writes.
const DeliveriesFile = "deliveries.txt"

// runAudience runs many light subscribers until it is told to end.
func runAudience(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("audience", flag.ContinueOnError)
	var c embedded.AudienceConfig
	fs.StringVar(&c.Remote, "remote", loopback(vtp.BroadcastPort), "the broker's `address` for subscribers, host:port")
	fs.IntVar(&c.Subscribers, "subscribers", 1, "how `many` there are")
	fs.StringVar(&c.File, "file", DeliveriesFile, "write into this `file` which event has reached how many, and when")
	var l life
	l.flags(fs)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench audience [-remote HOST:PORT] [-subscribers 16] [flags]\n\n"+
			"Receives events as many subscribers until SIGTERM or SIGINT. Prints a line of JSON\n"+
			"when all are connected.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	if c.Subscribers < 1 || c.Subscribers > matrix.MaxSubscribers {
		return command.UsageErrorf("audience: -subscribers %d: want 1 to %d", c.Subscribers, matrix.MaxSubscribers)
	}
	ctx, end := l.begin(ctx, std.In)
	defer end()
	return embedded.Audience(ctx, c, func() error { return json.NewEncoder(std.Out).Encode(Attached{c.Subscribers}) })
}
