package agent

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"cometbench/author"
	"cometbench/internal/command"
	"cometbench/matrix"
	"cometbench/netem"
)

// runAuthor sends the events of a run: what the author's container does, and
// what can be done by hand against any broker.
func runAuthor(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("author", flag.ContinueOnError)
	var c author.Config
	fs.StringVar(&c.Addr, "addr", "", "the broker's `address`, host:port")
	fs.IntVar(&c.Conns, "conns", 1, "how `many` connections are open at a time at most")
	fs.IntVar(&c.Events, "events", matrix.DefaultEvents, "how `many` events to send")
	fs.Float64Var(&c.Rate, "rate", 0, "`events` per second, whatever the broker does; 0 is as fast as it can")
	fs.BoolVar(&c.Poisson, "poisson", false, "with -rate: as independent events arrive, not evenly spaced")
	fs.StringVar(&c.From, "from", author.DefaultFrom, "the author's `IVOID`")
	fs.DurationVar(&c.EventTimeout, "event-timeout", time.Minute, "`time` for one event")
	fs.DurationVar(&c.Timeout, "timeout", 0, "`time` for all of them; 0 is no limit")
	payload := fs.String("payload", "", "make the events of a VOEvent's `file`, or of those of a folder in turn")
	fs.IntVar(&c.Size, "size", 0, "bring each event to so many `bytes`; 0 leaves them as they are")
	fs.BoolVar(&c.KeepOpen, "keep-open", false, "send one event after another over each connection")
	dir := fs.String("dir", "", "write "+author.LogFile+" and "+author.TimesFile+" into this `folder`")
	public := fs.Bool("public", false, "send even to an address that isn't private")
	progress := fs.Bool("progress", false, "say once a second, on stderr, how many events are done")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench author -addr HOST:PORT [flags]\n\n"+
			"Sends events to a broker, as fast as it can or at a rate, and prints how they fared, as JSON.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	switch {
	case c.Addr == "":
		return command.UsageErrorf("author: -addr is required")
	case c.Conns < 1 || c.Conns > matrix.MaxConns:
		return command.UsageErrorf("author: -conns %d: want 1 to %d", c.Conns, matrix.MaxConns)
	case c.Events < 1 || c.Events > matrix.MaxEvents:
		return command.UsageErrorf("author: -events %d: want 1 to %d", c.Events, matrix.MaxEvents)
	}
	if !*public {
		if err := author.CheckPrivate(ctx, c.Addr); err != nil {
			return command.UsageErrorf("author: -addr %s: %w", c.Addr, err)
		}
	}
	if *payload != "" {
		var err error
		if c.Payload, err = author.ReadPayload(*payload, c.Size); err != nil {
			return command.UsageErrorf("author: -payload: %w", err)
		}
	}
	if *progress {
		c.Progress = func(done int) { fmt.Fprintln(std.Err, done) }
	}
	before, err := networkCounters(os.Getpid())
	if err != nil {
		return err
	}
	told := AuthorReport{}
	if told.Before, err = ofSelf(); err != nil {
		return err
	}
	machine, err := watchMachine()
	if err != nil {
		return err
	}
	report, err := author.Run(ctx, c)
	if err != nil {
		return err
	}
	told.Report = *report
	if told.Machine, err = machine(); err != nil {
		return err
	}
	if told.After, err = ofSelf(); err != nil {
		return err
	}
	after, err := networkCounters(os.Getpid())
	if err != nil {
		return err
	}
	if *dir != "" {
		if err := writeReport(*dir, report); err != nil {
			return fmt.Errorf("author: -dir: %w", err)
		}
	}
	told.Network = after.Sub(before)
	return json.NewEncoder(std.Out).Encode(told)
}

// AuthorReport is what author prints: what it did, and what was counted
// meanwhile in its network namespace, by the machine, and by its cgroup.
type AuthorReport struct {
	author.Report
	Network netem.Counters `json:"network"`
	Machine Machine        `json:"machine,omitzero"`
	// Before and After are what it had used when it began to send and when it had
	// done so, without counters of the network.
	Before Usage `json:"before,omitzero"`
	After  Usage `json:"after,omitzero"`
}

func writeReport(dir string, r *author.Report) error {
	for name, write := range map[string]func(io.Writer) error{
		author.LogFile: r.WriteLog, author.TimesFile: r.WriteTimes,
	} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := errors.Join(write(f), f.Close()); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return nil
}
