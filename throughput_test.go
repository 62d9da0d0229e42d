package cometbench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"cometbench/experiment"
	"cometbench/internal/agent"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/testbed"
)

// options are what the flags ask for. TestMain sets them.
var options experiment.Options

// interrupted is closed when a benchmark that was told to end has cleaned up.
var interrupted = make(chan struct{})

// TestMain runs the benchmark, or one of its roles: those on this machine are
// this executable, started again, since to build another would take a new
// machine a quarter of a minute before its first result.
func TestMain(m *testing.M) {
	if roles := agent.Commands(); len(os.Args) > 1 && roles.Has(os.Args[1]) {
		os.Exit(roles.Main())
	}
	flags := experiment.DefineFlags(flag.CommandLine)
	flag.Parse()
	var err error
	if options, err = flags.Options(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	code := make(chan int)
	go func() { code <- m.Run() }()
	select {
	case c := <-code:
		os.Exit(c)
	case <-interrupted: // package testing would go through all runs that are left
		os.Exit(1)
	}
}

// BenchmarkThroughput is the paper's experiment: an author sends events to a
// broker as fast as it can over at most conns simultaneous connections, one event
// per connection; one subscriber is attached to the broker; latency is a one-way
// delay added to what the author sends. How long did the author take to send, the
// broker to receive, and the subscriber to receive?
//
// One op is one run, with fresh containers (or processes) and empty event
// databases; sec/op is the author's time.
func BenchmarkThroughput(b *testing.B) {
	runCells(b)
}

// runCells runs every cell that the flags ask for.
func runCells(b *testing.B) {
	ctx, stop := experiment.Interruptible(b.Context())
	defer stop()
	series := prepare(ctx, b)
	for _, cell := range series.Cells() {
		repeated := b.Run(cell.String(), func(b *testing.B) {
			var runs []*results.Run
			for b.Loop() {
				run, err := run(ctx, series, cell)
				if err != nil {
					b.Fatal(err)
				}
				if limit := run.Bottleneck; limit != "" && !limit.Doubtful() { // of which a warning tells
					b.Logf("bottleneck: %s", limit)
				}
				if run.Clocks != nil {
					b.Logf("%s", run.Clocks)
				}
				for _, warning := range run.Warnings {
					b.Logf("warning: %s", warning)
				}
				if o := run.OpenLoop; o != nil && o.KeepsUp() {
					b.Logf("the broker %s", o.Verdict)
				}
				runs = append(runs, run)
			}
			report(b, runs)
		})
		for n := 1; n < options.Count && !repeated; n++ { // as testing doesn't where the first run failed
			if run, err := run(ctx, series, cell); err != nil {
				b.Error(err)
			} else {
				fmt.Println(results.Record(run))
			}
		}
	}
	if void := series.Void(); void != "" {
		b.Error(void)
	}
}

// run does the experiment once. If it was told to end, the process does.
func run(ctx context.Context, series *experiment.Series, cell matrix.Cell) (*results.Run, error) {
	run, err := series.Run(ctx, cell)
	if ctx.Err() != nil {
		fmt.Printf("\ninterrupted: %v\n", errors.Join(context.Cause(ctx), series.Close()))
		close(interrupted)
		select {} // TestMain exits
	}
	return run, err
}

// prepare makes ready all that outlives a run, and prints the configuration of
// the benchmark.
func prepare(ctx context.Context, b *testing.B) *experiment.Series {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	o := options
	o.Testbed.Executable, o.Testbed.Command = testbed.Build, self
	series, err := experiment.NewSeries(ctx, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := series.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := series.Check(ctx); err != nil {
		b.Fatal(err)
	}
	if err := series.WriteConfig(os.Stdout); err != nil {
		b.Fatal(err)
	}
	return series
}

// report prints the means of the runs' figures; by default there is one run.
func report(b *testing.B, runs []*results.Run) {
	n := float64(len(runs))
	seconds := 0.0
	sums := make(map[string]float64)
	for _, run := range runs {
		seconds += run.Author.Elapsed.Seconds()
		for _, f := range run.Figures() {
			sums[f.Unit] += f.Value
		}
	}
	b.ReportMetric(seconds/n*1e9, "ns/op")
	for unit, sum := range sums {
		b.ReportMetric(sum/n, unit)
	}
}
