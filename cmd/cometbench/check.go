package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"cometbench/internal/command"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/judge"
)

// runCheck compares results with theory and the paper.
func runCheck(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("check", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench check [flags] RESULTS

Compares results with theory and the paper: for every cell the measured rate,
the paper's, and n/(2·RTT+t), with the service time t and the saturation rate
fitted to the broker's cells, where the knee is, and in words where a cell
doesn't fit, what its runs warn of, and which runs have no figures. Where there
are several runs of a cell, it says how well they repeat: the mean and the median
with their 95 % confidence intervals, the spread, a trend over the order of the
runs, outliers, two modes where there are two, and how many runs would narrow the
interval of the mean to ±1 %.

RESULTS is a tree of runs, the output of the benchmark, or JSON of cometbench
aggregate; - is the standard input.

The exit status is 1 if a cell that is bound by latency is outside its band
(OUTSIDE): such cells are the same on any machine, so that the instrument is at
fault. It is 1, too, if such a cell is below the band only because of runs that
warn (DISTURBED): measure it again on a machine that is less busy.`)
	var f resultsFlags
	f.add(fs)
	band := fs.Float64("band", judge.DefaultBand, "how far from theory a cell bound by latency may be, as a `fraction`")
	role := fs.String("role", results.RoleAuthor.String(), "whose rates must repeat: author, broker or subscriber")
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if !(*band > 0 && *band < 1) {
		return command.UsageErrorf("check: -band %v: want a fraction between 0 and 1, such as 0.1", *band)
	}
	whose, err := results.ParseRole(*role)
	if err != nil {
		return command.UsageErrorf("check: -%w", err)
	}
	set, broken := f.load(ctx, std, fs)
	if set == nil || len(set.Cells) == 0 {
		return broken
	}
	paper, err := judge.Paper()
	if err != nil {
		return err
	}
	judgement := judge.Judge(set, judge.Options{Band: *band, Role: whose, Paper: paper})
	if err := judgement.Write(std.Out); err != nil {
		return err
	}
	if outside := judgement.Outside(); len(outside) > 0 {
		broken = errors.Join(broken, fmt.Errorf("%s: outside the band of ±%g %% around theory: %s", set.Source,
			100**band, cellNames(outside)))
	}
	if disturbed := judgement.Disturbed(); len(disturbed) > 0 {
		broken = errors.Join(broken, fmt.Errorf("%s: below the band of ±%g %% around theory, where runs warn: %s",
			set.Source, 100**band, cellNames(disturbed)))
	}
	return broken
}

func cellNames(cells []matrix.Cell) string {
	var s string
	for i, c := range cells {
		if i > 0 {
			s += ", "
		}
		s += c.Dir()
	}
	return s
}
