package agent

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"time"

	"cometbench/author"
	"cometbench/internal/command"
)

// Probe is what probe prints: the key that its event has in event databases.
type Probe struct {
	SHA1 string `json:"sha1"`
}

// runProbe sends an event that counts in no figure, until it is acked.
func runProbe(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("probe", flag.ContinueOnError)
	addr := fs.String("addr", "", "the broker's `address`, host:port")
	public := fs.Bool("public", false, "send even to an address that isn't private")
	timeout := fs.Duration("timeout", time.Minute, "`time` to try for")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench probe -addr HOST:PORT [-timeout 1m]\n\n"+
			"Sends one event as an author of its own until it is acked, and prints its key\nin event databases, as "+
			"JSON.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	if *addr == "" {
		return command.UsageErrorf("probe: -addr is required")
	}
	if !*public {
		if err := author.CheckPrivate(ctx, *addr); err != nil {
			return command.UsageErrorf("probe: -addr %s: %w", *addr, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	key, err := author.Probe(ctx, *addr)
	if err != nil {
		return err
	}
	return json.NewEncoder(std.Out).Encode(Probe{hex.EncodeToString(key[:])})
}
