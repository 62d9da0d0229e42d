package cometbench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"cometbench/internal/progress"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/subject"
	"cometbench/testbed"
)

// preparation bounds what happens before the first run, the building of images
// included.
const preparation = 30 * time.Minute

// experiment is the matrix under way.
type experiment struct {
	ctx      context.Context
	bed      *testbed.Testbed
	subjects map[string]*testbed.Subject // by label
	failed   map[string]error            // brokers that don't start, by label
	service  map[string]time.Duration    // service times, by label
	options  options
	tree     *results.Tree // nil without -results
	netem    string        // the kind of delay, where there is latency
	line     *progress.Line
	started  time.Time
	done     int           // runs
	took     time.Duration // what the finished cells took
}

// newExperiment prepares all that outlives a run and prints the configuration
// of the benchmark.
func newExperiment(b *testing.B) *experiment {
	o, err := parseOptions()
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(b.Context(), os.Interrupt, syscall.SIGTERM)
	b.Cleanup(stop)
	x := &experiment{
		ctx: ctx, options: o, line: progress.Open(), started: time.Now(),
		subjects: make(map[string]*testbed.Subject),
		failed:   make(map[string]error),
		service:  make(map[string]time.Duration),
	}
	b.Cleanup(func() { x.line.Close() })
	prepare, cancel := context.WithTimeoutCause(ctx, preparation, fmt.Errorf("not ready after %v", preparation))
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	x.bed, err = testbed.New(prepare, testbed.Config{
		Executable: testbed.Build, Command: self, Netem: o.netem, CABundle: o.caBundle, Public: o.public, Status: x.line.Set,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := x.bed.Close(); err != nil {
			b.Error(err)
		}
	})
	var leftOut error
	if leftOut, err = x.prepare(prepare); err != nil {
		b.Fatal(err)
	}
	if o.results != "" {
		x.tree = &results.Tree{Dir: o.results}
		if err := x.checkTree(); err != nil {
			b.Fatal(refused("results", err))
		}
	}
	if err := x.tryLatency(prepare); err != nil {
		b.Fatal(refused("latency", err))
	}
	x.line.Clear()
	if err := x.writeConfig(leftOut); err != nil {
		b.Fatal(err)
	}
	return x
}

// prepare makes the brokers ready. A broker that was asked for by name must
// be; one that was only the default is left out, with the reason.
func (x *experiment) prepare(ctx context.Context) (leftOut, err error) {
	var brokers []subject.Subject
	var labels []string
	for _, broker := range x.options.brokers {
		subject, err := x.bed.Prepare(ctx, broker)
		switch {
		case err == nil:
			x.subjects[subject.Broker.Label] = subject
			brokers, labels = append(brokers, broker), append(labels, subject.Broker.Label)
		case x.options.defaults && ctx.Err() == nil:
			leftOut = err
		default:
			return nil, err
		}
	}
	x.options.brokers, x.options.matrix.Brokers = brokers, labels
	return leftOut, nil
}

// checkTree says what the runs will take, and refuses what can't be kept.
func (x *experiment) checkTree() error {
	if err := x.tree.Check(); err != nil {
		return err
	}
	space, err := x.tree.Space(x.cells(), int(countFlag()))
	if err != nil {
		return err
	}
	if !space.Enough() {
		return fmt.Errorf("%s: %s: make space, or choose another folder", x.tree.Dir, space)
	}
	x.line.Say("%s: %s", x.tree.Dir, space)
	return nil
}

func (x *experiment) cells() []matrix.Cell { return x.options.matrix.Cells() }

// tryLatency finds out what delays packets here, before anything is measured.
func (x *experiment) tryLatency(ctx context.Context) error {
	for _, cell := range x.cells() {
		if cell.Latency > 0 {
			kind, err := x.bed.Netem(ctx, x.subjects[cell.Broker])
			x.netem = kind
			return err
		}
	}
	return nil
}

// writeConfig prints what the figures depend on, the same for every broker: or
// benchstat would split its table.
func (x *experiment) writeConfig(leftOut error) error {
	var runs []*results.Run
	for _, cell := range x.cells() {
		runs = append(runs, &results.Run{
			Cell: cell, Software: x.subjects[cell.Broker].Software,
			Machine: x.bed.Machine(), Netem: x.netem,
		})
	}
	config := results.Configs(runs)
	if leftOut != nil {
		config = append(config, results.ConfigLine{Key: "left-out", Value: strings.Join(strings.Fields(leftOut.Error()), " ")})
	}
	if err := results.WriteUnits(os.Stdout); err != nil {
		return err
	}
	return results.WriteConfig(os.Stdout, config)
}

// run does the experiment once. A run that is void fails its benchmark; a
// broker that doesn't start fails all that are left of it at once.
func (x *experiment) run(b *testing.B, cell matrix.Cell) *results.Run {
	if err := x.failed[cell.Broker]; err != nil {
		b.Fatalf("left out: %s didn't start in an earlier cell", cell.Broker)
	}
	begun := time.Now()
	var staging *results.Staging
	dir := ""
	if x.tree != nil {
		var err error
		if staging, err = x.tree.Stage(); err != nil {
			b.Fatalf("void: %v", err)
		}
		defer staging.Discard()
		dir = staging.Dir
	}
	shown, hide := context.WithCancel(x.ctx)
	hidden := x.show(shown, cell)
	run, err := x.bed.Run(x.ctx, x.subjects[cell.Broker], cell, dir, b)
	hide()
	<-hidden
	if err != nil {
		var start *testbed.StartError
		if errors.As(err, &start) {
			x.failed[cell.Broker] = err
		}
		b.Fatalf("void: %v", err)
	}
	x.judge(run)
	if staging != nil {
		if _, err := staging.Commit(run); err != nil {
			b.Fatalf("void: %v", err)
		}
	}
	for _, warning := range run.Warnings {
		b.Logf("warning: %s", warning)
	}
	x.done++
	x.took += time.Since(begun)
	return run
}

// judge gives the run the service time that theory is reckoned with.
func (x *experiment) judge(run *results.Run) {
	if run.Cell.Latency == 0 {
		if run.Cell.Conns == 1 && run.Author.Acked == run.Author.Sent {
			x.service[run.Cell.Broker] = run.Author.Elapsed / time.Duration(run.Author.Sent)
		}
		return
	}
	// The cell without latency has two undelayed round trips in its time.
	run.Service = max(0, x.service[run.Cell.Broker]-2*run.BaseRTT)
}

// show keeps the progress line up to date until the context ends; the channel
// is closed when it has been cleared.
func (x *experiment) show(ctx context.Context, cell matrix.Cell) <-chan struct{} {
	hidden := make(chan struct{})
	go func() {
		defer close(hidden)
		defer x.line.Clear()
		for ticker := time.Tick(time.Second); ; {
			x.line.Set("%s", x.status(cell))
			select {
			case <-ticker:
			case <-ctx.Done():
				return
			}
		}
	}()
	return hidden
}

func (x *experiment) status(cell matrix.Cell) string {
	total := len(x.cells()) * int(countFlag())
	text := fmt.Sprintf("run %d of %d: %s", x.done+1, total, cell)
	if n, elapsed := x.bed.Progress(); n > 0 {
		text += fmt.Sprintf(", %.0f events/s", float64(n)/elapsed.Seconds())
	}
	if expected := cell.Expected(); expected > time.Minute {
		text += fmt.Sprintf(", takes %s or more", progress.Left(expected))
	}
	if x.done > 0 {
		left := x.took / time.Duration(x.done) * time.Duration(total-x.done)
		text += fmt.Sprintf(", about %s left", progress.Left(left))
	}
	return text
}
