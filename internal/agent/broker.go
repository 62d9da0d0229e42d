package agent

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"runtime/debug"
	"strconv"

	"cometbench/embedded"
	"cometbench/internal/command"
	"cometbench/vtp"
)

// databaseGC keeps a million events, whose databases' pages stay in memory, within
// 256 MiB: half as much may be garbage.
const databaseGC = 50

// Listening is what broker prints when it listens: its addresses, host:port, for
// authors and for subscribers.
type Listening struct {
	Receive   string `json:"receive"`
	Broadcast string `json:"broadcast"`
}

// loopback is a port of this machine, which others can't reach.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// runBroker runs the embedded broker until it is told to end.
func runBroker(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("broker", flag.ContinueOnError)
	var c embedded.Config
	fs.StringVar(&c.Receive, "receive", loopback(vtp.DefaultPort), "`address` for authors, host:port")
	fs.StringVar(&c.Broadcast, "broadcast", loopback(vtp.BroadcastPort), "`address` for subscribers, host:port")
	fs.StringVar(&c.EventDB, "eventdb", "", "keep event databases in this empty `folder`")
	fs.BoolVar(&c.KeepOpen, "keep-open", false, "don't close an author's connection after the answer")
	var l life
	l.flags(fs)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench broker -eventdb DIR [flags]\n\n"+
			"Prints the addresses, as a line of JSON, when it listens. Ends on SIGTERM and SIGINT.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	if c.EventDB == "" {
		return command.UsageErrorf("broker: -eventdb is required")
	}
	ctx, end := l.begin(ctx, std.In)
	defer end()
	debug.SetGCPercent(databaseGC)
	b, err := embedded.Listen(c)
	if err != nil {
		return err
	}
	err = json.NewEncoder(std.Out).Encode(Listening{b.ReceiveAddr().String(), b.BroadcastAddr().String()})
	if err != nil {
		return errors.Join(err, b.Close())
	}
	return b.Serve(ctx)
}
