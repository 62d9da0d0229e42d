package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"cometbench/internal/command"
	"cometbench/results"
	"cometbench/results/figure"
	"cometbench/results/journey"
	"cometbench/results/judge"
)

// runPlot draws one of the paper's two figures.
func runPlot(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("plot", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench plot [flags] RESULTS...

Draws throughput against connections, with one line per latency, or against
latency, with one line per number of connections; several brokers side by side.
Or draws the brokers themselves from left to right, with one line per number of
connections. Dashed lines are theory: n/(2·RTT+t), with the service time t
fitted to the broker's cells.

With -latency, draws the percentiles of how long events took from their start to
their ack (-role=author), to the broker's database, or to the subscriber's, with
one line per cell. RESULTS are trees then.

RESULTS are trees of runs, outputs of the benchmark, or JSON of cometbench
aggregate; with -paper there may be none, and the paper's own are drawn.`)
	var options results.Options
	fs.BoolVar(&options.Stale, "stale", false,
		"include runs of a tree whose databases hold more entries than events were sent")
	fs.StringVar(&options.Broker, "broker", "",
		"`name` of the broker in results that name none, as the original experiment's")
	axis := fs.String("figure", string(figure.Connections), "what is on the x `axis`: connections, latency or brokers")
	role := fs.String("role", results.RoleAuthor.String(),
		"whose throughput or latency: `role` author, broker or subscriber")
	bars := fs.String("bars", string(figure.Range), "what error bars span: range (slowest to fastest run) or std")
	title := fs.String("title", "", "`text` above the figure")
	latencies := fs.Bool("latency", false, "draw the percentiles of latencies, not throughput")
	paper := fs.Bool("paper", false, "draw the paper's results behind, in grey")
	out := fs.String("o", "throughput.svg", "write to this `file`, ending in .svg, .png or .pdf")
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	f := figure.Figure{Title: *title}
	var errs [4]error
	f.Axis, errs[0] = figure.ParseAxis(*axis)
	f.Role, errs[1] = results.ParseRole(*role)
	f.Bars, errs[2] = figure.ParseBars(*bars)
	_, errs[3] = figure.FormatOf(*out)
	if err := errors.Join(errs[:]...); err != nil {
		return command.UsageErrorf("plot: %w", err)
	}
	if fs.NArg() == 0 && !*paper {
		return command.UsageErrorf("plot: want RESULTS, or -paper; cometbench help plot tells more")
	}
	if *latencies {
		stage := [...]journey.Stage{
			results.RoleAuthor: journey.Ack, results.RoleBroker: journey.Broker,
			results.RoleSubscriber: journey.Delivery,
		}[f.Role]
		return plotLatencies(ctx, stage, *title, fs.Args(), *out)
	}
	published, err := judge.Paper()
	if err != nil {
		return err
	}
	set, broken := loadAll(ctx, std, options, fs.Args())
	switch {
	case set == nil && broken != nil:
		return broken
	case set != nil && len(set.Cells) == 0:
		withoutOpen(std, set)
		return broken
	case set == nil:
		for i := range published.Cells {
			published.Cells[i].Cell.Broker = "Comet 1.1.0, the paper"
		}
		set = published
	case *paper:
		f.Ghost, f.GhostName = figure.FromSet(published, f.Role), "the paper's Comet 1.1.0"
	}
	f.Points, f.Service = figure.FromSet(set, f.Role), figure.FitService(set)
	if err := f.WriteFile(*out); err != nil {
		return errors.Join(broken, fmt.Errorf("plot: %w", err))
	}
	return broken
}

// plotLatencies draws the percentiles of the cells of trees.
func plotLatencies(ctx context.Context, stage journey.Stage, title string, dirs []string, out string) error {
	p := figure.Percentiles{Title: title, What: [...]string{
		journey.Ack: "to the ack", journey.Broker: "to the broker's database",
		journey.Delivery: "to the subscriber's database",
	}[stage]}
	var broken []error
	for _, dir := range dirs {
		cells, err := results.LoadLatencies(ctx, dir, stage)
		broken = append(broken, err)
		for _, c := range cells {
			name := c.Cell.Dir()
			if len(dirs) > 1 {
				name = filepath.Base(dir) + ": " + name
			}
			p.Lines = append(p.Lines, figure.PercentileLine{Name: name, CellLatency: c})
		}
	}
	if err := p.WriteFile(out); err != nil {
		broken = append(broken, fmt.Errorf("plot: %w", err))
	}
	return errors.Join(broken...)
}

// loadAll reads several sets of results as one, nil if there are none. What is
// doubtful goes to stderr.
func loadAll(ctx context.Context, std command.Streams, o results.Options, paths []string) (*results.Set, error) {
	var sets []*results.Set
	var broken []error
	for _, path := range paths {
		set, err := results.Load(ctx, path, o)
		broken = append(broken, err)
		if set != nil && len(set.Cells)+len(set.Open) > 0 {
			sets = append(sets, set)
		}
	}
	if len(sets) == 0 {
		return nil, errors.Join(broken...)
	}
	set := results.Merge(sets...)
	warn(std, set)
	return set, errors.Join(broken...)
}
