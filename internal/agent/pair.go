package agent

import (
	"context"
	"flag"
	"fmt"

	"cometbench/internal/command"
	"cometbench/netem"
)

// runPair holds two network namespaces, for netem.NewPair, which starts it in
// the first of them.
func runPair(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("pair", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), `usage: cometbench pair

Makes a second network namespace, joins it by a veth pair to the one it runs
in, prints a line of JSON that says how, and holds both until standard input
ends. To try it:

	sudo unshare --net cometbench pair
`)
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	return netem.RunPair(ctx, std.In, std.Out)
}

// runWithin runs a command in another network namespace.
func runWithin(_ context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("within", flag.ContinueOnError)
	namespace := fs.String("net", "", "the `path` of the network namespace, such as /proc/PID/ns/net")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench within -net /proc/PID/ns/net -- COMMAND [ARGUMENTS]\n\n"+
			"Becomes a command in another network namespace.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if *namespace == "" || fs.NArg() == 0 {
		return command.UsageErrorf("within: want -net PATH and a command")
	}
	return netem.Exec(*namespace, fs.Args())
}
