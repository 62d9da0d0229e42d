package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"cometbench/experiment"
	"cometbench/internal/command"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/subject"
)

// runCapacity finds the highest rate that a broker keeps up with.
func runCapacity(ctx context.Context, std command.Streams, args []string) (err error) {
	fs := flag.NewFlagSet("capacity", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench capacity [flags] BROKER

Finds the highest rate that a broker keeps up with: its backlog, the events that
are due and not yet delivered, doesn't grow, and 99 % of the events arrive in
time. It tries rates, each until it can be told whether the rate holds, and ends
with an interval: the broker keeps up with the rate at its lower end, and not with
that at its upper end.

BROKER is named as for the benchmark: embedded, comet-3.1.0, comet@FOLDER,
comet@git+URL#REVISION.`)
	o := experiment.Options{Count: 1}
	c := experiment.Capacity{}
	fs.DurationVar(&c.Bound, "p99", time.Second, "the `time` within which 99 % of the events must arrive")
	fs.DurationVar(&c.Latency, "latency", 0, "the one-way `delay` of what the author sends")
	fs.DurationVar(&c.Budget, "budget", 4*time.Minute, "`time` after which no more rates are tried")
	kind := fs.String("netem", string(netem.Auto), "what delays packets: `kind` auto, kernel or userspace")
	fs.StringVar(&o.Testbed.CABundle, "ca-bundle", "",
		"`file` of certificates that building an image must trust (default: found in the environment)")
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if c.Name, err = operand(fs, "BROKER"); err != nil {
		return err
	}
	broker, err := subject.Parse(c.Name)
	if err == nil && (broker.Kind == subject.Remote || broker.Kind == subject.Foreign) {
		err = fmt.Errorf("broker %q: when events are delivered isn't known of it", c.Name)
	}
	if err != nil {
		return command.UsageErrorf("capacity: %w", err)
	}
	if _, err := matrix.ParseLatencies(c.Latency.String()); err != nil {
		return command.UsageErrorf("capacity: -latency: %w", err)
	}
	if c.Bound <= 0 || c.Budget <= 0 {
		return command.UsageErrorf("capacity: -p99 %v and -budget %v: want times above zero", c.Bound, c.Budget)
	}
	if o.Netem, err = netem.ParseKind(*kind); err != nil {
		return command.UsageErrorf("capacity: -netem: %w", err)
	}
	o.Brokers, o.Testbed.Pin = []subject.Subject{broker}, broker.IsComet()
	if err := selfTestbed(&o.Testbed); err != nil {
		return fmt.Errorf("capacity: %w", err)
	}
	series, err := experiment.NewSeries(ctx, o)
	if err != nil {
		return fmt.Errorf("capacity: %w", err)
	}
	defer func() { err = errors.Join(err, series.Close()) }()
	result, err := series.Capacity(ctx, c)
	if err != nil {
		return fmt.Errorf("capacity: %w", err)
	}
	return result.Write(std.Out)
}
