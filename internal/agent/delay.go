package agent

import (
	"context"
	"flag"
	"fmt"

	"cometbench/internal/command"
	"cometbench/netem"
)

// runDelay delays what an interface sends until it is told to end.
func runDelay(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("delay", flag.ContinueOnError)
	var d netem.Delay
	fs.StringVar(&d.Interface, "interface", "eth0", "delay what this `interface` sends")
	fs.DurationVar(&d.OneWay, "latency", 0, "by this `time`, one way")
	kind := fs.String("netem", string(netem.Auto), "by this `kind` of delay: auto, kernel, or userspace")
	fs.IntVar(&d.Packets, "packets", 0, "hold this `number` of packets at most (default: enough for 100,000/s)")
	var l life
	l.flags(fs)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), `usage: cometbench delay -latency 10ms [-interface eth0] [-for 1h] [-stdin] [flags]

Delays what an interface of the network namespace it runs in sends. Prints a
line of JSON when the delay is in force; on SIGTERM and SIGINT (with -for when
that time is over, and with -stdin when standard input ends) sends the packets
that it holds, takes the delay away and prints a line of JSON with statistics.
Needs the capability NET_ADMIN, and NET_RAW where the kernel has no netem.

Killed, it can't take the delay away: then the kernel's netem goes on, and
packets that were held in user space are lost, as all that follow them, until
the next delay on the interface has ended.

`)
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	if d.OneWay <= 0 || d.OneWay > netem.MaxOneWay {
		return command.UsageErrorf("delay: -latency %v: want a time above zero, at most %v", d.OneWay, netem.MaxOneWay)
	}
	if d.Packets < 0 {
		return command.UsageErrorf("delay: -packets %d: want a number above zero", d.Packets)
	}
	var err error
	if d.Kind, err = netem.ParseKind(*kind); err != nil {
		return command.UsageErrorf("delay: -netem: %w", err)
	}
	ctx, end := l.begin(ctx, std.In)
	defer end()
	return d.Run(ctx, std.Out)
}
