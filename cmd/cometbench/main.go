// Command cometbench holds the parts of the benchmark that run by themselves:
// inside containers and network namespaces, where the benchmark starts them,
// and by hand.
//
//	cometbench help
//
// lists its subcommands. Results go to stdout, everything else to stderr. It
// exits with 2 where it was called wrongly, with 1 on other errors, except
// where a subcommand's help says otherwise.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// streams are the standard streams of a subcommand.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// command is one subcommand.
type command struct {
	name     string
	synopsis string // one line, for cometbench help
	run      func(ctx context.Context, std streams, args []string) error
}

// commands returns every subcommand in the order in which help lists them:
// those that people use first, those that the benchmark starts after.
func commands() []command {
	return []command{
		{"compare", "tell whether one broker is slower than another", runCompare},
		{"aggregate", "summarize kept runs as JSON, as the paper does", runAggregate},
		{"bench", "print kept runs as the benchmark prints them", runBench},
		{"check", "hold results against theory, the paper and each other", runCheck},
		{"plot", "draw throughput against connections or latency", runPlot},
		{"report", "write results as one HTML file", runReport},
		{"dump", "print the entries of an event database, or a summary", runDump},
		{"author", "send events to a broker and report how they fared", runAuthor},
		{"probe", "send one event to a broker, trying until it is acked", runProbe},
		{"broker", "run the embedded broker", runBroker},
		{"subscriber", "run the embedded subscriber", runSubscriber},
		{"rtt", "measure the round trip to a TCP port", runRTT},
		{"delay", "delay what a network interface sends", runDelay},
		{"pair", "hold two network namespaces that are joined", runPair},
		{"within", "run a command in another network namespace", runWithin},
		{"pause", "do nothing, for a while: it holds a namespace or a container", runPause},
		{"janitor", "clean up after a benchmark that ended without doing so", runJanitor},
		{"sweep", "remove what benchmarks that were killed have left", runSweep},
		{"tar", "write a folder as a tar archive on stdout", runTar},
	}
}

// exitError is an error that decides the exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usageErrorf returns an error about how the command was called, which ends
// it with exit code 2.
func usageErrorf(format string, args ...any) error {
	return &exitError{2, fmt.Errorf(format, args...)}
}

// parseFlags parses args into fs, whose output it directs to stderr, and
// refuses arguments beyond the flags unless operands allows them. It returns
// flag.ErrHelp where help was asked for (and given), which run takes as
// success.
func parseFlags(fs *flag.FlagSet, std streams, args []string, operands bool) error {
	fs.SetOutput(std.err)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		// The flag package has told what is wrong, and the usage.
		return &exitError{2, errReported}
	}
	if !operands && fs.NArg() > 0 {
		return usageErrorf("%s: unexpected argument %q", fs.Name(), fs.Arg(0))
	}
	return nil
}

// errReported stands for an error that was printed already.
var errReported = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, streams{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
	stop()
	os.Exit(exitCode(os.Stderr, err))
}

// exitCode prints err where that is still to be done and returns the exit code.
func exitCode(stderr io.Writer, err error) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintf(stderr, "cometbench: %v\n", err)
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return 1
}

// run runs the subcommand that args begin with.
func run(ctx context.Context, std streams, args []string) error {
	if len(args) == 0 {
		usage(std.err)
		return &exitError{2, errReported}
	}
	name, args := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		if len(args) == 0 {
			usage(std.out)
			return nil
		}
		// help NAME is NAME -help.
		name, args = args[0], []string{"-help"}
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(ctx, std, args)
		}
	}
	return usageErrorf("unknown subcommand %q; cometbench help lists them", name)
}

// usage lists the subcommands.
func usage(w io.Writer) {
	var b strings.Builder
	b.WriteString("usage: cometbench SUBCOMMAND [flags]\n\n")
	width := 0
	for _, c := range commands() {
		width = max(width, len(c.name))
	}
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, c.name, c.synopsis)
	}
	b.WriteString("\ncometbench help SUBCOMMAND describes its flags.\n")
	io.WriteString(w, b.String())
}
