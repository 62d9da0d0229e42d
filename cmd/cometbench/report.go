package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"

	"cometbench/internal/command"
	"cometbench/results"
	"cometbench/results/figure"
	"cometbench/results/report"
)

// runReport writes results as one HTML file.
func runReport(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("report", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench report [flags] RESULTS...

Writes results as one HTML file that needs nothing besides itself: tables, both
figures, warnings and configuration. RESULTS are trees of runs, outputs of the
benchmark, or JSON of cometbench aggregate.`)
	var options results.Options
	fs.BoolVar(&options.Stale, "stale", false,
		"include runs of a tree whose databases hold more entries than events were sent")
	fs.StringVar(&options.Broker, "broker", "",
		"`name` of the broker in results that name none, as the original experiment's")
	paper := fs.Bool("paper", false, "draw the paper's results behind, in grey")
	title := fs.String("title", "", "`text` above the report")
	out := fs.String("o", "report.html", "write to this `file`")
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return command.UsageErrorf("report: want RESULTS; cometbench help report tells more")
	}
	set, broken := loadAll(ctx, std, options, fs.Args())
	if set == nil {
		return broken
	}
	r, err := report.New(set, *paper)
	if err != nil {
		return err
	}
	if *title != "" {
		r.Title = *title
	}
	var html bytes.Buffer
	if err = r.Write(&html); err == nil {
		err = figure.WriteWhole(*out, html.Bytes())
	}
	if err != nil {
		err = fmt.Errorf("report: %w", err)
	}
	return errors.Join(broken, err)
}
