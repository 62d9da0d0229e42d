package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cometbench/author"
	"cometbench/eventdb"
	"cometbench/internal/engine"
	"cometbench/internal/tail"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
	"cometbench/subject"
)

// Clock is told when the measured phase begins and ends. A *testing.B is one.
type Clock interface {
	StartTimer()
	StopTimer()
}

// Deadlines of a run. Each is far above what a working machine needs: they
// end what hangs, and no figure depends on them.
const (
	buildDeadline   = 10 * time.Minute // our command built for the engine
	startDeadline   = 90 * time.Second // parts started and ready
	eventDeadline   = 60 * time.Second // one event, from connecting to its ack
	collectDeadline = 2 * time.Minute  // databases read and copied
	closeDeadline   = 60 * time.Second // parts stopped and removed
	slowestEvent    = 50 * time.Millisecond

	// settling is how long the subscriber's database must not have grown
	// until what isn't in it is missing.
	settling = 3 * time.Second
	poll     = 50 * time.Millisecond
)

// runPlan is what a site must know of its run.
type runPlan struct {
	cell    matrix.Cell
	netem   netem.Kind
	scratch string        // a folder of this machine for the run, removed after it
	life    time.Duration // after which what is left ends by itself, but for an image of somebody else's
}

// authorDeadline bounds the author's whole work in a cell.
func authorDeadline(c matrix.Cell) time.Duration {
	return 2*c.Expected() + eventDeadline + time.Duration(c.Events)*slowestEvent
}

// Run does the experiment once: one run of the cell's events with fresh parts
// and empty databases, everything removed after it. The run's files
// (author.log, events.csv.gz, broker.db, subscriber.db) are left in the folder
// dir, unless dir is "". An error means that the run is void: there are no
// figures, and the error says why.
func (t *Testbed) Run(ctx context.Context, s *Subject, cell matrix.Cell, dir string, clock Clock) (*results.Run, error) {
	run, err := t.run(ctx, s, cell, dir, clock)
	if err != nil {
		return nil, fmt.Errorf("run of %s: %w", cell, err)
	}
	return run, nil
}

// StartError is the error of a run whose parts didn't start or didn't get
// ready: the next run of the same broker will hardly do better.
type StartError struct{ err error }

func (e *StartError) Error() string { return e.err.Error() }
func (e *StartError) Unwrap() error { return e.err }

// Progress returns how many events the author of the current run has done, and
// the time since it began; none outside the measured phase.
func (t *Testbed) Progress() (events int, elapsed time.Duration) { return t.sent.get() }

// Netem returns the kind of delay that this testbed's runs of a broker use, by
// trying it: "kernel" or "userspace".
func (t *Testbed) Netem(ctx context.Context, s *Subject) (kind string, err error) {
	cell := matrix.Cell{Broker: s.Broker.Label, Latency: time.Millisecond, Conns: 1, Events: 1}
	run, err := t.run(ctx, s, cell, "", stopped{})
	if err != nil {
		return "", fmt.Errorf("try to delay what the author sends: %w", err)
	}
	return run.Netem, nil
}

// stopped is a clock that nobody looks at.
type stopped struct{}

func (stopped) StartTimer() {}
func (stopped) StopTimer()  {}

func (t *Testbed) run(ctx context.Context, s *Subject, cell matrix.Cell, dir string, clock Clock) (_ *results.Run, err error) {
	if t.inContainers(s, cell) {
		if err := t.prepareContainers(ctx); err != nil {
			return nil, &StartError{err}
		}
	}
	begun := time.Now()
	plan := runPlan{cell: cell, netem: t.config.Netem}
	plan.life = startDeadline + authorDeadline(cell) + 2*collectDeadline + closeDeadline
	ctx, cancel := context.WithTimeoutCause(ctx, plan.life,
		fmt.Errorf("not done after %v", plan.life))
	defer cancel()
	if plan.scratch, err = os.MkdirTemp(t.scratch, "run-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(plan.scratch)) }()
	x := &experiment{
		plan: plan, kind: s.Broker.Kind, dir: dir, clock: clock, sent: &t.sent,
		run: &results.Run{
			Cell: cell, Started: begun, Software: s.Software,
			Machine: t.Machine(), Program: t.program, Netem: "none",
		},
	}
	if x.site, err = t.site(ctx, s, plan); err != nil {
		return nil, err
	}
	x.run.Pinned = x.site.pinned()
	err = x.perform(ctx)
	closing, cancelClosing := context.WithTimeout(context.WithoutCancel(ctx), closeDeadline)
	defer cancelClosing()
	if err := errors.Join(err, x.site.close(closing)); err != nil {
		return nil, err
	}
	x.run.Outside = time.Since(begun) - x.measured
	return x.run, nil
}

// experiment is one run under way.
type experiment struct {
	plan     runPlan
	site     site
	kind     subject.Kind
	dir      string
	clock    Clock
	sent     *counter
	run      *results.Run
	measured time.Duration
}

// perform runs the steps, and ends them with the reason when a part dies.
func (x *experiment) perform(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	defer func() { cancel(nil); <-watched }()
	go func() {
		defer close(watched)
		select {
		case err := <-x.site.died():
			cancel(err)
		case <-ctx.Done():
		}
	}()
	for _, step := range []struct {
		name     string
		do       func(context.Context) error
		deadline time.Duration
	}{
		{"start", x.start, startDeadline},
		{"add the latency", x.addLatency, startDeadline},
		{"author", x.send, authorDeadline(x.plan.cell) + eventDeadline},
		{"wait for the subscriber", x.settle, collectDeadline},
		{"check the latency", x.checkLatency, startDeadline},
		{"collect", x.collect, collectDeadline},
	} {
		stepCtx, cancelStep := context.WithTimeoutCause(ctx, step.deadline,
			fmt.Errorf("not done after %v", step.deadline))
		err := step.do(stepCtx)
		if err == nil {
			err = stepCtx.Err()
		}
		if cause := context.Cause(stepCtx); err != nil && cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w (%w)", cause, err)
		}
		cancelStep()
		if err != nil {
			err = fmt.Errorf("%s: %w", step.name, err)
			if step.name == "start" {
				err = &StartError{err}
			}
			return err
		}
	}
	return nil
}

// watched reports whether a part's event database can be read. A broker that
// somebody else runs is sent events, and nothing more; of an image that isn't
// a Comet's nobody knows where its database is.
func (x *experiment) watched(p part) bool {
	switch x.kind {
	case subject.Remote:
		return false
	case subject.Foreign:
		return p != brokerPart
	}
	return true
}

// send is the measured phase: the author's work.
func (x *experiment) send(ctx context.Context) error {
	before, err := x.brokerCounters(ctx)
	if err != nil {
		return err
	}
	cpu, err := x.site.harnessCPU(ctx)
	if err != nil {
		return err
	}
	cell := x.plan.cell
	var report authorReport
	begun := time.Now()
	x.sent.start()
	defer x.sent.stop()
	x.clock.StartTimer()
	err = x.commandJSON(ctx, &report, "author", "-public", "-progress", "-addr", x.site.brokerAddr(),
		"-conns", strconv.Itoa(cell.Conns), "-events", strconv.Itoa(cell.Events),
		"-event-timeout", eventDeadline.String(), "-timeout", authorDeadline(cell).String(),
		"-dir", x.site.authorDir())
	x.clock.StopTimer()
	x.measured = time.Since(begun)
	if err != nil {
		return err
	}
	cpuAfter, err := x.site.harnessCPU(ctx)
	if err != nil {
		return err
	}
	x.run.HarnessCPU = report.CPU + cpuAfter - cpu
	x.run.Author = results.Author{
		Elapsed: report.Elapsed, Sent: report.Sent, Acked: report.Acked,
		Failures: report.Failures, Sidecar: results.SidecarFile,
	}
	return x.audit(ctx, &report, before)
}

// authorReport is what our command prints of its author.
type authorReport struct {
	author.Report
	Network netem.Counters `json:"network"`
}

// brokerCounters reads the counters of the broker's network namespace.
func (x *experiment) brokerCounters(ctx context.Context) (netem.Counters, error) {
	text, err := x.site.netstat(ctx, brokerPart)
	if err != nil {
		return netem.Counters{}, err
	}
	return netem.ParseCounters(text)
}

// audit holds the author's report against what was asked for.
func (x *experiment) audit(ctx context.Context, report *authorReport, before netem.Counters) error {
	if report.Sent != x.plan.cell.Events {
		return fmt.Errorf("the author sent %d events, not %d", report.Sent, x.plan.cell.Events)
	}
	if report.Acked == 0 {
		return fmt.Errorf("no event was acked: %s", failures(report.Failures))
	}
	if err := x.judgeFastest(report.Fastest); err != nil {
		return err
	}
	if report.Acked != report.Sent {
		x.warn("%d of %d events weren't acked: %s", report.Sent-report.Acked, report.Sent, failures(report.Failures))
	}
	after, err := x.brokerCounters(ctx)
	if err != nil {
		return err
	}
	if dropped := after.Sub(before).ListenDrops; dropped > 0 {
		x.warn("the broker's listen queue was full: the kernel dropped %d connection attempts, each retried after a second or more", dropped)
	}
	x.run.Warnings = append(x.run.Warnings, report.Warnings...)
	if n := report.Network.RetransSegs; n > 0 {
		x.warn("%d TCP segments were sent again in the author's network namespace, %d of them although they had arrived", n, min(n, report.Network.Duplicates))
	}
	return nil
}

func failures(kinds map[string]int) string {
	var words []string
	for kind, n := range kinds {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, kind))
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// settle waits until the subscriber's database holds every acked event, or
// hasn't grown for the settling time: what isn't there then is missing.
func (x *experiment) settle(ctx context.Context) error {
	if !x.watched(subscriberPart) {
		return nil
	}
	var entries int
	for grown := time.Now(); ; {
		// An error may be a database that was caught while it was written.
		err := x.read(ctx, subscriberPart, &x.run.Subscriber)
		n := x.run.Subscriber.Entries
		if err == nil && n >= x.run.Author.Acked {
			return nil
		}
		if n > entries || errors.Is(err, errChanging) {
			entries, grown = n, time.Now()
		}
		if time.Since(grown) > settling {
			return err
		}
		if waited := engine.Pause(ctx, poll); waited != nil {
			return errors.Join(waited, err)
		}
	}
}

// read copies a part's event databases and reads the measured one.
func (x *experiment) read(ctx context.Context, p part, figure *results.Database) error {
	dir := filepath.Join(x.plan.scratch, string(p))
	if err := x.refresh(ctx, p, dir); err != nil {
		return err
	}
	summary, err := summarise(ctx, dir)
	if err != nil {
		return fmt.Errorf("%s's event database: %w", p, err)
	}
	if summary.Entries > x.run.Author.Sent {
		return fmt.Errorf("%s's event database holds %d events, but only %d were sent", p, summary.Entries, x.run.Author.Sent)
	}
	*figure = results.DatabaseOf(summary)
	return nil
}

// collect reads the broker's database, and keeps the run's files.
func (x *experiment) collect(ctx context.Context) error {
	log := filepath.Join(x.plan.scratch, "author")
	err := together(
		func() error {
			if !x.watched(brokerPart) {
				return nil
			}
			return x.read(ctx, brokerPart, &x.run.Broker)
		},
		func() error { return x.refresh(ctx, authorPart, log) },
	)
	if err != nil {
		return err
	}
	if n := x.run.Author.Acked - x.run.Subscriber.Entries; n > 0 && x.watched(subscriberPart) {
		x.warn("%d acked events aren't in the subscriber's database", n)
	}
	if x.dir == "" {
		return nil
	}
	for p, name := range map[part]string{brokerPart: results.BrokerFile, subscriberPart: results.SubscriberFile} {
		path, err := eventdb.PathOf(filepath.Join(x.plan.scratch, string(p)), author.DefaultFrom)
		if err == nil {
			err = eventdb.Copy(filepath.Join(x.dir, name), path)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range []string{results.LogFile, results.SidecarFile} {
		if err := copyFile(filepath.Join(log, name), filepath.Join(x.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// together does things side by side.
func together(things ...func() error) error {
	errs := make([]error, len(things))
	var wg sync.WaitGroup
	for i, do := range things {
		wg.Go(func() { errs[i] = do() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (x *experiment) warn(format string, args ...any) {
	x.run.Warnings = append(x.run.Warnings, fmt.Sprintf(format, args...))
}

// commandJSON runs our command in the author's place and reads the JSON that
// it prints.
func (x *experiment) commandJSON(ctx context.Context, into any, args ...string) error {
	var stdout bytes.Buffer
	stderr := tail.Tail{Each: x.sent.line}
	if err := x.site.command(ctx, &stdout, &stderr, args...); err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			return fmt.Errorf("%w: %s", err, text)
		}
		return err
	}
	if err := json.Unmarshal(stdout.Bytes(), into); err != nil {
		return fmt.Errorf("cometbench %s printed %.100q: %w", args[0], stdout.String(), err)
	}
	return nil
}
