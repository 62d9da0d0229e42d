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
	public := fs.Bool("public", false, "send even to an address that isn't private")
	timeout := fs.Duration("timeout", time.Minute, "`time` for all of them")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench try -addr HOST:PORT -payload FILE|FOLDER [flags]\n\n"+
			"Sends each VOEvent once, under an IVOID of its own, and ends with an error at the\n"+
			"first that the broker refuses.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	if *addr == "" || *payload == "" {
		return command.UsageErrorf("try: -addr and -payload are required")
	}
	if !*public {
		if err := author.CheckPrivate(ctx, *addr); err != nil {
			return command.UsageErrorf("try: -addr %s: %w", *addr, err)
		}
	}
	files, err := author.ReadPayload(*payload, *size)
	if err != nil {
		return command.UsageErrorf("try: -payload: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, *timeout, fmt.Errorf("not done after %v", *timeout))
	defer cancel()
	if err := author.Try(ctx, *addr, files, *size); err != nil {
		return err
	}
	return json.NewEncoder(std.Out).Encode(Tried{len(files)})
}
