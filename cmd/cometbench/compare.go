package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cometbench/experiment"
	"cometbench/internal/command"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
	"cometbench/results/compare"
	"cometbench/results/figure"
	"cometbench/subject"
)

const (
	// longRun is how many events each side gets in the first round that isn't
	// void: a broker may fail only after more events than rounds have.
	longRun = matrix.DefaultEvents
	// longestRun bounds what that takes by the latency alone.
	longestRun    = 30 * time.Second
	notComparable = 2 // exit status
)

// comparison is one under way.
type comparison struct {
	input   compare.Input
	options compare.Options
	budget  time.Duration
	out     string
	series  experiment.Options
	stored  *compare.Document // what to compare with instead of OLD, nil for OLD
	runs    []*results.Run    // of the rounds, for the configuration
}

// runCompare compares two brokers. Its exit status is the verdict: 1 is a
// regression, and 2 everything that keeps it from being told, errors included.
func runCompare(ctx context.Context, std command.Streams, args []string) error {
	c, err := compareFlags(std, args)
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	// Whatever fails from here on, nobody shall read an earlier verdict.
	err = errors.Join(err, c.removeFiles())
	if err != nil {
		return err
	}
	verdict, err := c.run(ctx)
	return c.conclude(std, verdict, err)
}

// conclude writes the verdict, if there is one, and returns what the exit status
// follows from. Where only cleaning up failed, what was measured isn't lost.
func (c *comparison) conclude(std command.Streams, verdict *compare.Verdict, err error) error {
	if verdict != nil {
		err = errors.Join(err, c.write(std, verdict))
	}
	if err != nil {
		return &command.ExitError{Code: notComparable, Err: fmt.Errorf("compare: %w", err)}
	}
	if code := verdict.Outcome.ExitCode(); code != 0 {
		return &command.ExitError{Code: code, Err: command.ErrReported}
	}
	return nil
}

// compareFlags returns what the arguments ask for. With an error too, the
// comparison has its folder.
func compareFlags(std command.Streams, args []string) (*comparison, error) {
	c := new(comparison)
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench compare [flags] OLD NEW
       cometbench compare -stored FILE [flags] NEW

Tells whether the broker NEW is slower than OLD, or does more work per event.
Both are started side by side, and get batches of events alternately; that is
repeated until it can be told, or the budget is used up. Comets get a processor
of their own, where there are two or more. Brokers are named as for the
benchmark: comet-3.1.0, comet@FOLDER, comet@git+URL#REVISION, image:NAME.

With -stored, NEW is compared with what an earlier comparison measured of its NEW.
That is refused where machine, engine or software differ, and says less: a change
of the machine since then looks like one of the broker.

It exits with 0 if there is no regression, or both are the same program; with 1
if there is one; and with 2 if that can't be told, or the comparison failed. It
has failed where it leaves no verdict.json.`)
	fs.DurationVar(&c.budget, "budget", 5*time.Minute, "`time` from the first round on after which no more is begun")
	latency := fs.String("latency", "0,10ms", "one-way delays of what the author sends, a comma-separated `list`")
	conns := fs.String("conns", "8,32", "simultaneous connections of the author, a comma-separated `list`")
	effect := percentage(compare.DefaultEffect)
	bound := percentage(compare.DefaultBoundEffect)
	fs.Var(&effect, "effect", "the least slowdown that counts, in `percent`")
	fs.Var(&bound, "bound-effect", "the same in cells whose rate the latency decides, in `percent`")
	kind := fs.String("netem", string(netem.Auto), "what delays packets: `kind` auto, kernel or userspace")
	fs.StringVar(&c.series.Testbed.CABundle, "ca-bundle", "",
		"`file` of certificates that building an image must trust (default: found in the environment)")
	fs.StringVar(&c.input.Old.Name, "old-name", "", "what to call OLD in the results, such as main@abc1234 (a `name`)")
	fs.StringVar(&c.input.New.Name, "new-name", "", "what to call NEW (a `name`)")
	stored := fs.String("stored", "",
		"compare with the `file` verdict.json of an earlier comparison, instead of with OLD")
	fs.StringVar(&c.out, "o", "cometbench-compare",
		"write verdict.txt, summary.md, verdict.json, report.html and rounds.csv into this `folder`")
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return c, err
	}
	names := fs.Args()
	switch {
	case *stored == "" && len(names) != 2:
		return c, command.UsageErrorf("compare: want OLD and NEW behind the flags, got %q", names)
	case *stored != "" && len(names) != 1:
		return c, command.UsageErrorf("compare: with -stored, want NEW behind the flags, got %q", names)
	case *stored != "":
		names = []string{names[0], names[0]} // on both sides
	}
	if c.budget <= 0 {
		return c, command.UsageErrorf("compare: -budget %v: want a time above zero", c.budget)
	}
	latencies, err := matrix.ParseLatencies(*latency)
	if err != nil {
		return c, command.UsageErrorf("compare: -latency: %w", err)
	}
	connsList, err := matrix.ParseConnsList(*conns)
	if err != nil {
		return c, command.UsageErrorf("compare: -conns: %w", err)
	}
	if c.series.Netem, err = netem.ParseKind(*kind); err != nil {
		return c, command.UsageErrorf("compare: -netem: %w", err)
	}
	c.series.Testbed.Pin = true
	for i, name := range names {
		side := compare.Side(i)
		broker, err := subject.Parse(name)
		if err == nil && broker.Kind == subject.Remote {
			err = fmt.Errorf("broker %q: compare starts brokers itself", name)
		}
		if err != nil {
			return c, command.UsageErrorf("compare: %s: %w", strings.ToUpper(side.String()), err)
		}
		if !broker.IsComet() {
			c.series.Testbed.Pin = false
		}
		c.series.Brokers = append(c.series.Brokers, broker)
	}
	c.input.Old.Name = cmp.Or(c.input.Old.Name, names[compare.Old])
	c.input.New.Name = cmp.Or(c.input.New.Name, names[compare.New])
	c.input.Cells = matrix.Matrix{Brokers: []string{""}, Latencies: latencies, Conns: connsList}.Cells()
	c.options = compare.Options{Effect: float64(effect), BoundEffect: float64(bound)}
	if *stored != "" {
		if c.stored, err = readStored(*stored); err != nil {
			return c, command.UsageErrorf("compare: -stored: %w", err)
		}
	}
	return c, nil
}

// percentage is a flag such as 5%, kept as a fraction.
type percentage float64

func (p *percentage) String() string { return strconv.FormatFloat(100*float64(*p), 'g', 4, 64) + "%" }

func (p *percentage) Set(s string) error {
	f, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || !(f > 0 && f <= 1000) {
		return fmt.Errorf("%q: want percent above 0, such as 5%%", s)
	}
	*p = percentage(f / 100)
	return nil
}

// run makes rounds until they tell, or the budget is used up. With an error too,
// there may be a verdict: then cleaning up failed.
func (c *comparison) run(ctx context.Context) (verdict *compare.Verdict, err error) {
	undo, err := makeFolder(c.out)
	defer func() {
		if verdict == nil {
			undo()
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := selfTestbed(&c.series.Testbed); err != nil {
		return nil, err
	}
	series, err := experiment.NewSeries(ctx, c.series)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, series.Close()) }()
	if c.stored != nil {
		return c.runStored(ctx, series)
	}
	old, new := series.Subject(c.series.Brokers[compare.Old].Name), series.Subject(c.series.Brokers[compare.New].Name)
	if c.input.Identical = old.Same(new); c.input.Identical {
		c.input.Old.Software, c.input.New.Software = old.Software, new.Software
		return compare.Judge(c.input, c.options), nil
	}
	begun := time.Now()
	c.input.Started = begun
	var longest time.Duration // of the rounds until now
	verdict = compare.Judge(c.input, c.options)
	for cycle := 1; ; cycle++ {
		for _, next := range c.input.Cycle(cycle) {
			if verdict.Clear(next.Cell) {
				continue
			}
			before := time.Since(begun)
			if before+longest > c.budget {
				return verdict, nil
			}
			round := c.round(ctx, series, next)
			if ctx.Err() != nil {
				c.input.Interrupted = "interrupted"
				return compare.Judge(c.input, c.options), nil
			}
			c.input.Rounds = append(c.input.Rounds, round)
			c.input.Took = time.Since(begun)
			longest = max(longest, c.input.Took-before)
			if verdict = compare.Judge(c.input, c.options); verdict.Decided {
				return verdict, nil
			}
		}
	}
}

// round makes a round.
func (c *comparison) round(ctx context.Context, series *experiment.Series, r compare.Round) compare.Round {
	var labels [2]string
	for side, broker := range c.series.Brokers {
		labels[side] = series.Label(broker.Name)
	}
	if r.Equals {
		labels[compare.New] = labels[compare.Old]
	}
	long := longRun
	cell := matrix.Cell{Latency: r.Cell.Latency, Conns: r.Cell.Conns, Events: long}
	counted := slices.ContainsFunc(c.input.Rounds, func(r compare.Round) bool { return r.Void == "" })
	if counted || cell.Expected() > longestRun {
		long = 0
	}
	made, err := series.Round(ctx, experiment.Round{
		Name: fmt.Sprintf("round %d: %s", len(c.input.Rounds)+1, r),
		Old:  labels[0], New: labels[1], Cell: r.Cell, Long: long, NewFirst: c.input.NewFirst(r),
	})
	if err != nil {
		r.Void, r.At = err.Error(), atFault(err, r.Equals)
		return r
	}
	r.Events, r.Pairs = made.Events, made.Pairs
	r.Foreign, r.Steal = made.Neighbours.Foreign, made.Neighbours.Steal
	for side, run := range made.Runs {
		r.Subscriber[side] = time.Duration(1e9 * run.CPUPerEvent(results.RoleSubscriber))
		r.Counts[side] = compare.Count{Sent: run.Author.Sent, Acked: run.Author.Acked,
			Delivered: run.Subscriber.Entries}
	}
	c.input.Old.Software = made.Runs[0].Software
	if !r.Equals {
		c.input.New.Software = made.Runs[1].Software
		c.runs = append(c.runs, made.Runs[:]...)
		c.input.Config = slices.DeleteFunc(results.Configs(c.runs),
			func(c results.ConfigLine) bool { return c.Key == "events" })
	}
	return r
}

// atFault returns the sides that an error of a round is of.
func atFault(err error, equals bool) (sides []compare.Side) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			sides = append(sides, atFault(err, equals)...)
		}
		return sides
	}
	var fault *experiment.SideError
	if errors.As(err, &fault) {
		if equals {
			return []compare.Side{compare.Old}
		}
		return []compare.Side{compare.Side(fault.Side)}
	}
	return nil
}

// makeFolder makes a folder before anything is measured, so that one that can't be
// made is known by then. The function that it returns removes what was made, as far
// as that is empty.
func makeFolder(dir string) (undo func(), err error) {
	var missing []string // the innermost first
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, os.ErrNotExist) {
			break
		}
		missing = append(missing, d)
	}
	return func() {
		for _, d := range missing {
			_ = os.Remove(d) // refused where it isn't empty
		}
	}, os.MkdirAll(dir, 0o755)
}

// writers write the files of a comparison, by name. What writes nothing makes
// no file.
func (c *comparison) writers(v *compare.Verdict) map[string]func(*bytes.Buffer) error {
	return map[string]func(*bytes.Buffer) error{
		"verdict.txt":  func(b *bytes.Buffer) error { return v.WriteText(b) },
		"summary.md":   func(b *bytes.Buffer) error { return v.WriteMarkdown(b) },
		"verdict.json": func(b *bytes.Buffer) error { return v.WriteJSON(b) },
		"report.html":  func(b *bytes.Buffer) error { return v.WritePage(b) },
		"rounds.csv":   func(b *bytes.Buffer) error { return c.input.WriteRounds(b) },
	}
}

// removeFiles removes the files of an earlier comparison.
func (c *comparison) removeFiles() error {
	for name := range c.writers(nil) {
		if err := os.Remove(filepath.Join(c.out, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("compare: remove the last verdict: %w", err)
		}
	}
	return nil
}

// write prints the verdict and writes the files.
func (c *comparison) write(std command.Streams, v *compare.Verdict) error {
	for name, write := range c.writers(v) {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if b.Len() == 0 {
			continue
		}
		if err := figure.WriteWhole(filepath.Join(c.out, name), b.Bytes()); err != nil {
			return err
		}
	}
	return v.WriteText(std.Out)
}
