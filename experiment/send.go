package experiment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cometbench/internal/agent"
	"cometbench/matrix"
	"cometbench/results"
)

// Load is what the author sends in one batch: events over at most so many
// connections at a time, as fast as it can or at a pace.
type Load struct {
	Conns, Events int
	Pace          matrix.Pace
	// Patience is how long an event may take until it counts as not acked; 0 is
	// a minute.
	Patience time.Duration
}

func (l Load) patience() time.Duration { return cmp.Or(l.Patience, eventDeadline) }

// Batch is what came of one.
type Batch struct {
	Author   results.Author
	OpenLoop *results.OpenLoop // nil in a closed loop
	// HarnessCPU is the CPU time that our own roles used meanwhile, BrokerCPU
	// that of the broker until it had nothing more to do; 0 where the system
	// doesn't tell.
	HarnessCPU, BrokerCPU time.Duration
	// Usage is what each role and the machine used. Of a Comet's subscriber it isn't
	// known of single batches.
	Usage results.Usage
	// Warnings say, in words, what makes the figures doubtful.
	Warnings []string
}

// load is that of a run.
func (x *Experiment) load() Load {
	return Load{Conns: x.cell.Conns, Events: x.cell.Events, Pace: x.cell.Pace}
}

// authorDeadline bounds the author's whole work, sendDeadline the step.
func authorDeadline(l Load, latency time.Duration) time.Duration {
	cell := matrix.Cell{Latency: latency, Conns: l.Conns, Events: l.Events, Pace: l.Pace}
	return 2*cell.Expected() + l.patience() + time.Duration(l.Events)*slowestEvent
}

func (x *Experiment) sendDeadline(l Load) time.Duration {
	return authorDeadline(l, x.longestWay()) + eventDeadline
}

// sendAll is the measured phase of a run: all events of the cell in one batch.
func (x *Experiment) sendAll(ctx context.Context) error {
	batch, err := x.send(ctx, x.load())
	if err != nil {
		return err
	}
	x.run.Author, x.run.HarnessCPU, x.run.Usage = batch.Author, batch.HarnessCPU, batch.Usage
	x.run.OpenLoop = batch.OpenLoop
	x.run.Warnings = append(x.run.Warnings, batch.Warnings...)
	return checkSchedule(batch.OpenLoop, x.cell.Pace)
}

// Send lets the author send a batch.
func (x *Experiment) Send(ctx context.Context, l Load) (batch *Batch, err error) {
	err = x.take(ctx, step{"author", x.sendDeadline(l), func(ctx context.Context) (err error) {
		batch, err = x.send(ctx, l)
		return err
	}})
	return batch, err
}

func (x *Experiment) send(ctx context.Context, l Load) (_ *Batch, err error) {
	others, err := x.config.Testbed.Others(ctx)
	if err != nil {
		return nil, err
	}
	// Between two batches nothing is used.
	before := x.used
	if before == nil {
		if before, err = x.usage(ctx); err != nil {
			return nil, err
		}
	}
	x.reach(measuring)
	begun := time.Now()
	x.progress.start()
	defer x.progress.stop()
	args := []string{
		"author", "-public", "-progress", "-addr", x.receive,
		"-conns", strconv.Itoa(l.Conns), "-events", strconv.Itoa(l.Events),
		"-event-timeout", l.patience().String(), "-timeout", authorDeadline(l, x.longestWay()).String(),
		"-dir", ".",
	}
	args = append(append(args, x.deploymentFlags()...), paceFlags(l.Pace)...)
	report, err := ask[agent.AuthorReport](ctx, x.author, x.progress.line, args...)
	x.measured += time.Since(begun)
	x.reach(ending)
	if err != nil {
		return nil, err
	}
	after, err := x.usage(ctx)
	if err != nil {
		return nil, err
	}
	later, err := x.config.Testbed.Others(ctx)
	if err != nil {
		return nil, err
	}
	x.used, x.report = after, report
	x.sent += report.Sent
	x.acked += report.Acked
	batch := &Batch{
		Author: results.Author{
			Elapsed: report.Elapsed, Sent: report.Sent, Acked: report.Acked,
			Failures: report.Failures, Sidecar: results.SidecarFile,
		},
		HarnessCPU: report.CPU + after.ours - before.ours,
		BrokerCPU:  after.broker.CPU - before.broker.CPU,
		Usage:      after.since(before, report, x.apart()),
	}
	batch.OpenLoop = newOpenLoop(l.Pace, report)
	if n := max(others, later); n > 0 {
		batch.Warnings = append(batch.Warnings, fmt.Sprintf("other benchmarks ran on this machine at the same time "+
			"(%d), and took processor time from this one", n))
	}
	return batch, x.audit(batch, l, report)
}

// audit holds the author's report against what was asked for.
func (x *Experiment) audit(b *Batch, l Load, report agent.AuthorReport) error {
	warn := func(format string, args ...any) { b.Warnings = append(b.Warnings, fmt.Sprintf(format, args...)) }
	if report.Sent != l.Events {
		return fmt.Errorf("the author sent %d events, not %d", report.Sent, l.Events)
	}
	if report.Acked == 0 {
		return fmt.Errorf("no event was acked: %s", failures(report.Failures))
	}
	if err := judgeFastest(report.Fastest, x.cell.Latency, x.cell.RoundTrips()); err != nil {
		return err
	}
	if report.Acked != report.Sent {
		warn("%d of %d events weren't acked: %s", report.Sent-report.Acked, report.Sent, failures(report.Failures))
	}
	if dropped := b.Usage.ListenDrops; dropped > 0 {
		warn("the broker's listen queue was full: the kernel dropped %d connection attempts, each retried after a "+
			"second or more", dropped)
	}
	b.Warnings = append(b.Warnings, report.Warnings...)
	if n := report.Network.RetransSegs; n > 0 {
		warn("%d TCP segments were sent again in the author's network namespace, %d of them although they had "+
			"arrived", n, min(n, report.Network.Duplicates))
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
