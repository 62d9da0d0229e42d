package agent

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"time"

	"cometbench/author"
	"cometbench/internal/command"
)

// Tried is what try prints when a broker has acked every event.
type Tried struct {
	Events int `json:"events"`
}

// runTry sends each event of a payload once.
func runTry(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("try", flag.ContinueOnError)
	addr := fs.String("addr", "", "the broker's `address`, host:port")
	payload := fs.String("payload", "", "a VOEvent's `file`, or a folder of them")
	size := fs.Int("size", 0, "bring each to so many `bytes`; 0 leaves them as they are")
	keepOpen := fs.Bool("keep-open", false, "send two events over one connection, too")
	public := fs.Bool("public", false, "send even to an address that isn't private")
	timeout := fs.Duration("timeout", time.Minute, "`time` for all of them")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench try -addr HOST:PORT [-payload FILE|FOLDER] [-keep-open] [flags]\n\n"+
			"Sends each VOEvent once, under an IVOID of its own, and ends with an error at the\n"+
			"first that the broker refuses. With -keep-open it must ack two events that come\n"+
			"over one connection, too.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	if *addr == "" || *payload == "" && !*keepOpen {
		return command.UsageErrorf("try: -addr, and -payload or -keep-open, are required")
	}
	if !*public {
		if err := author.CheckPrivate(ctx, *addr); err != nil {
			return command.UsageErrorf("try: -addr %s: %w", *addr, err)
		}
	}
	var files []author.File
	if *payload != "" {
		var err error
		if files, err = author.ReadPayload(*payload, *size); err != nil {
			return command.UsageErrorf("try: -payload: %w", err)
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, *timeout, fmt.Errorf("not done after %v", *timeout))
	defer cancel()
	if err := author.Try(ctx, *addr, files, *size); err != nil {
		return err
	}
	if *keepOpen {
		if err := author.TryKeptOpen(ctx, *addr); err != nil {
			return fmt.Errorf("-keep-open: %w", err)
		}
	}
	return json.NewEncoder(std.Out).Encode(Tried{len(files)})
}
