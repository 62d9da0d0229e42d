package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cometbench/experiment"
	"cometbench/internal/command"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
	"cometbench/results/compare"
	"cometbench/results/figure"
	"cometbench/results/report"
	"cometbench/subject"
)

const (
	// longRun is how many events each side gets once: a broker may fail only
	// after more events than the runs that are compared have.
	longRun = matrix.DefaultEvents
	// The anchor's runs are as long as makes them steady: most of a second.
	anchorEvents, anchorConns = 10000, 64
	notComparable             = 2 // exit status
)

// comparison is one under way.
type comparison struct {
	input   compare.Input
	options compare.Options
	out     string
	series  experiment.Options
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
	if err == nil {
		err = c.write(std, verdict)
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

Tells whether the broker NEW is slower than OLD. It runs both by turns, and the
embedded broker between them, which tells whether the machine itself changed.
Comets get a processor of their own, where there are two or more.
Brokers are named as for the benchmark: comet-3.1.0, comet@FOLDER,
comet@git+URL#REVISION, image:NAME.

It exits with 0 if there is no regression, with 1 if there is one, and with 2 if
that can't be told: too few or void runs, too much noise, or an error.`)
	plan := &c.input.Plan
	fs.IntVar(&plan.Count, "count", 10, "how `many` runs of each broker in each cell")
	events := fs.Int("events", 2000, "how `many` events the author sends in a run")
	latency := fs.String("latency", "0,10ms", "one-way delays of what the author sends, a comma-separated `list`")
	conns := fs.String("conns", "8,32", "simultaneous connections of the author, a comma-separated `list`")
	effect := percentage(compare.DefaultEffect)
	bound := percentage(compare.DefaultBoundEffect)
	fs.Var(&effect, "effect", "the least slowdown that counts, in `percent`")
	fs.Var(&bound, "bound-effect", "the same in cells whose rate the latency decides, in `percent`")
	kind := fs.String("netem", string(netem.Auto), "what delays packets: `kind` auto, kernel or userspace")
	fs.StringVar(&c.series.Testbed.CABundle, "ca-bundle", "", "`file` of certificates that building an image must "+
		"trust (default: found in the environment)")
	fs.StringVar(&c.out, "o", "cometbench-compare", "write old.txt, new.txt and anchor.txt (for benchstat), "+
		"verdict.txt, summary.md, verdict.json and report.html into this `folder`")
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return c, err
	}
	if fs.NArg() != 2 {
		return c, command.UsageErrorf("compare: want OLD and NEW behind the flags, got %q", fs.Args())
	}
	if plan.Count < 1 || plan.Count > 1000 {
		return c, command.UsageErrorf("compare: -count %d: want 1 to 1000", plan.Count)
	}
	if *events < 1 || *events > matrix.MaxEvents {
		return c, command.UsageErrorf("compare: -events %d: want 1 to %d", *events, matrix.MaxEvents)
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
	c.input.Old, c.input.New, c.input.Anchor = fs.Arg(0), fs.Arg(1), "embedded"
	c.series.Testbed.Pin = true
	for side, name := range []string{c.input.Old, c.input.New, c.input.Anchor} {
		side := compare.Side(side)
		broker, err := subject.Parse(name)
		if err == nil && broker.Kind == subject.Remote {
			err = fmt.Errorf("broker %q: compare starts brokers itself", name)
		}
		if err != nil {
			return c, command.UsageErrorf("compare: %s: %w", strings.ToUpper(side.String()), err)
		}
		if side != compare.Anchor && !broker.IsComet() {
			c.series.Testbed.Pin = false
		}
		c.series.Brokers = append(c.series.Brokers, broker)
	}
	plan.Cells = matrix.Matrix{Brokers: []string{""}, Latencies: latencies, Conns: connsList, Events: *events}.Cells()
	plan.Anchor = matrix.Cell{Conns: anchorConns, Events: anchorEvents}
	if *events < longRun {
		plan.Soak = matrix.Cell{Latency: latencies[0], Conns: connsList[len(connsList)-1], Events: longRun}
	}
	c.options = compare.Options{Effect: float64(effect), BoundEffect: float64(bound)}
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

// run makes the runs and judges them.
func (c *comparison) run(ctx context.Context) (_ *compare.Verdict, err error) {
	if err := os.MkdirAll(c.out, 0o755); err != nil {
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
	steps := c.input.Plan.Steps()
	cells := make([]matrix.Cell, len(steps))
	for i, step := range steps {
		cells[i] = step.Cell
		cells[i].Broker = series.Label(c.series.Brokers[step.Side].Name)
	}
	series.Plan(cells, 1)
	for i, step := range steps {
		run, void := series.Attempts(ctx, cells[i])
		if ctx.Err() != nil {
			c.input.Interrupted = "interrupted"
			return compare.Compare(c.input, c.options), nil
		}
		for _, err := range void {
			c.input.Attempts = append(c.input.Attempts, compare.Attempt{Step: step, Void: err.Error()})
		}
		if run != nil {
			c.input.Attempts = append(c.input.Attempts, compare.Attempt{Step: step, Run: run})
		}
		if compare.Stop(c.input.Attempts) {
			break
		}
	}
	return compare.Compare(c.input, c.options), nil
}

// writers write the files of a comparison, by name. What writes nothing makes
// no file.
func (c *comparison) writers(v *compare.Verdict) map[string]func(*bytes.Buffer) error {
	return map[string]func(*bytes.Buffer) error{
		"old.txt":      func(b *bytes.Buffer) error { return c.input.WriteBenchmark(b, compare.Old) },
		"new.txt":      func(b *bytes.Buffer) error { return c.input.WriteBenchmark(b, compare.New) },
		"anchor.txt":   func(b *bytes.Buffer) error { return c.input.WriteBenchmark(b, compare.Anchor) },
		"verdict.txt":  func(b *bytes.Buffer) error { return v.WriteText(b) },
		"summary.md":   func(b *bytes.Buffer) error { return v.WriteMarkdown(b) },
		"verdict.json": func(b *bytes.Buffer) error { return v.WriteJSON(b) },
		"report.html":  func(b *bytes.Buffer) error { return c.report(b, v) },
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

// report writes the runs of both sides as a report, unless a broker couldn't
// be run: half a report would look like a whole one.
func (c *comparison) report(b *bytes.Buffer, v *compare.Verdict) error {
	var runs []*results.Run
	var void []results.VoidRun
	for _, t := range c.input.Attempts {
		if t.Round == 0 || t.Side == compare.Anchor {
			continue
		}
		if t.Run == nil {
			void = append(void, results.VoidRun{Cell: t.Cell, Name: t.Step.String(), Why: t.Void})
			continue
		}
		run := *t.Run
		run.Cell.Broker = t.Side.String() + "-" + run.Cell.Broker
		runs = append(runs, &run)
	}
	if len(runs) == 0 || len(v.Broken) > 0 {
		return nil
	}
	set := results.NewSet("the runs", runs)
	set.Config, set.Void = v.Config, void
	r, err := report.New(set, false)
	if err != nil {
		return err
	}
	r.Title = fmt.Sprintf("%s against %s: %s", c.input.New, c.input.Old, v.Outcome)
	return r.Write(b)
}
