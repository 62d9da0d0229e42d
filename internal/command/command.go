// Package command runs the subcommands of a program.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// Streams are the standard streams of a subcommand.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Command is one subcommand.
type Command struct {
	Name     string
	Synopsis string // one line, for cometbench help
	Run      func(ctx context.Context, std Streams, args []string) error
}

// List holds the subcommands in the order in which help shows them.
type List []Command

// ExitError is an error that decides the exit code.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string { return e.Err.Error() }
func (e *ExitError) Unwrap() error { return e.Err }

// ErrReported stands for an error that was printed already.
var ErrReported = errors.New("wrong usage")

// UsageErrorf returns an error about how the command was called, which ends
// it with exit code 2.
func UsageErrorf(format string, args ...any) error {
	return &ExitError{2, fmt.Errorf(format, args...)}
}

// Describe sets what help says of a subcommand besides its flags.
func Describe(fs *flag.FlagSet, text string) {
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "%s\n\nflags:\n", text)
		fs.PrintDefaults()
	}
}

// ParseFlags parses args into fs, whose output it directs to stderr, and
// refuses arguments beyond the flags unless operands allows them. It returns
// flag.ErrHelp where help was asked for (and given), which Main takes as
// success.
func ParseFlags(fs *flag.FlagSet, std Streams, args []string, operands bool) error {
	fs.SetOutput(std.Err)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		// The flag package has told what is wrong, and the usage.
		return &ExitError{2, ErrReported}
	}
	if !operands && fs.NArg() > 0 {
		return UsageErrorf("%s: unexpected argument %q", fs.Name(), fs.Arg(0))
	}
	return nil
}

// Has reports whether there is a subcommand of that name.
func (l List) Has(name string) bool {
	return slices.ContainsFunc(l, func(c Command) bool { return c.Name == name })
}

// Main runs the subcommand that the process's arguments begin with, until it
// ends or the process is told to, and returns the exit code.
func (l List) Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return l.Run(ctx, Streams{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:])
}

// Run runs the subcommand that args begin with. It prints the error, where that
// is still to be done, and returns the exit code.
func (l List) Run(ctx context.Context, std Streams, args []string) int {
	err := l.run(ctx, std, args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if !errors.Is(err, ErrReported) {
		fmt.Fprintf(std.Err, "cometbench: %v\n", err)
	}
	var exit *ExitError
	if errors.As(err, &exit) {
		return exit.Code
	}
	return 1
}

func (l List) run(ctx context.Context, std Streams, args []string) error {
	if len(args) == 0 {
		l.usage(std.Err)
		return &ExitError{2, ErrReported}
	}
	name, args := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		if len(args) == 0 {
			l.usage(std.Out)
			return nil
		}
		// help NAME is NAME -help.
		name, args = args[0], []string{"-help"}
	}
	for _, c := range l {
		if c.Name == name {
			return c.Run(ctx, std, args)
		}
	}
	return UsageErrorf("unknown subcommand %q; cometbench help lists them", name)
}

// usage lists the subcommands.
func (l List) usage(w io.Writer) {
	var b strings.Builder
	b.WriteString("usage: cometbench SUBCOMMAND [flags]\n\n")
	width := 0
	for _, c := range l {
		width = max(width, len(c.Name))
	}
	for _, c := range l {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, c.Name, c.Synopsis)
	}
	b.WriteString("\ncometbench help SUBCOMMAND describes its flags.\n")
	io.WriteString(w, b.String())
}
