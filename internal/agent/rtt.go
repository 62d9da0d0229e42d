package agent

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"time"

	"cometbench/internal/command"
	"cometbench/netem"
	"cometbench/results/stat"
)

// RoundTrips are what rtt prints.
type RoundTrips struct {
	Samples []time.Duration `json:"samples_ns"`
	Median  time.Duration   `json:"median_ns"`
}

// runRTT measures round trips by TCP handshakes.
func runRTT(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("rtt", flag.ContinueOnError)
	addr := fs.String("addr", "", "the `HOST:PORT` to measure the round trip to")
	count := fs.Int("count", 30, "the `number` of handshakes")
	times := fs.Int("times", 1, "measure so `many` times, and print the measurement with the least median")
	timeout := fs.Duration("timeout", time.Minute, "give up after this `time`")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench rtt -addr HOST:PORT [-count 30] [-times 1] [-timeout 1m]\n\n"+
			"Measures round trips by TCP handshakes and prints them, and their median, as JSON.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	switch {
	case *addr == "":
		return command.UsageErrorf("rtt: -addr is missing: want HOST:PORT")
	case *count <= 0:
		return command.UsageErrorf("rtt: -count %d: want a number above zero", *count)
	case *times <= 0:
		return command.UsageErrorf("rtt: -times %d: want a number above zero", *times)
	case *timeout <= 0:
		return command.UsageErrorf("rtt: -timeout %v: want a time above zero", *timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	var best RoundTrips
	for range *times {
		samples, err := netem.RTT(ctx, *addr, *count)
		if err != nil {
			return err
		}
		if median := stat.Median(samples); best.Samples == nil || median < best.Median {
			best = RoundTrips{samples, median}
		}
	}
	return json.NewEncoder(std.Out).Encode(best)
}
