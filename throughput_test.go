package cometbench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"cometbench/experiment"
	"cometbench/internal/agent"
	"cometbench/results"
	"cometbench/testbed"
)

// options are what the flags ask for. TestMain sets them.
var options experiment.Options

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
	if options, err = flags.Options(); err == nil {
		err = oneRunEach()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// oneRunEach makes one op one run, so that -count=100 is the paper's 100 runs,
// where -benchtime doesn't say otherwise. With -benchtime=DURATION a cell is run
// until that time is over, start and removal included, and its figures are means.
func oneRunEach() error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.benchtime" })
	if given {
		return nil
	}
	return flag.Set("test.benchtime", "1x")
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
	ctx, stop := signal.NotifyContext(b.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	series := prepare(ctx, b)
	for _, cell := range series.Cells() {
		b.Run(cell.String(), func(b *testing.B) {
			var runs []*results.Run
			for b.Loop() {
				if series.Failed(cell) {
					b.Fatalf("left out: %s didn't start in an earlier cell", cell.Broker)
				}
				run, err := series.Run(ctx, cell)
				if err != nil {
					b.Fatalf("void: %v", err)
				}
				for _, warning := range run.Warnings {
					b.Logf("warning: %s", warning)
				}
				runs = append(runs, run)
			}
			report(b, runs)
		})
	}
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
	count := flag.Lookup("test.count").Value.(flag.Getter).Get().(uint)
	series.Plan(series.Cells(), int(count))
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
