// Package experiment does the paper's experiment from start to end: an author
// sends events to a broker with one subscriber, and latency is added to what the
// author sends.
//
// An [Experiment] is one that is under way. Its roles are started once; it may
// send several times, several may be under way at once, and two may be up side
// by side. [Experiment.Run] takes all of its steps once. A [Series] is many runs.
package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"cometbench/embedded"
	"cometbench/internal/agent"
	"cometbench/internal/program"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
	"cometbench/testbed"
)

// steps are those of a run, in their order. The roles are started and the latency
// is proved before the author begins, and what it did is read when all has ended.
func (x *Experiment) steps() []step {
	return []step{
		{"start", startDeadline, x.start},
		{"add the latency", startDeadline, x.addLatency},
		{"prove the latency", startDeadline, x.proveBefore},
		{"author", x.sendDeadline(x.load()), x.sendAll},
		{"wait for the subscriber", collectDeadline, x.settle},
		{"prove the latency again", startDeadline, x.proveAfter},
		{"collect", collectDeadline, x.collect},
	}
}

// step is one of them.
type step struct {
	name     string
	deadline time.Duration
	do       func(context.Context) error
}

// Deadlines of the steps. Each is far above what a working machine needs: they
// end what hangs, and no figure depends on them.
const (
	startDeadline   = 90 * time.Second // roles started and ready
	eventDeadline   = 60 * time.Second // one event, from connecting to its ack
	collectDeadline = 2 * time.Minute  // databases read and copied
	closeDeadline   = 60 * time.Second // roles stopped and removed
	slowestEvent    = 50 * time.Millisecond
)

// life is when what is left of an experiment ends by itself.
func (x *Experiment) life() time.Duration {
	var sum time.Duration
	for _, s := range x.steps() {
		sum += s.deadline
	}
	return sum + closeDeadline
}

// Config says where experiments are done, and how.
type Config struct {
	Testbed *testbed.Testbed
	// Netem is the kind of delay to use.
	Netem netem.Kind
	// Payload is what the author sends.
	Payload Payload
	// Machine is what the records of runs say of this machine.
	Machine results.Machine
	// Containers is what they say of the machine on which containers run, nil where
	// that is this one too.
	Containers *results.Machine
	// AuthorMachine is what they say of the author's, nil where that is the broker's.
	AuthorMachine *results.Machine
	// Program is what they say of this program.
	Program program.Info
}

// Experiment is one that is under way: [New], then Begin, Send as often as wanted,
// End, and Close whatever happened; or Run, which is all of these. They end with
// their context, and when a role dies. Only one may be called at a time.
type Experiment struct {
	config  Config
	subject *Subject
	cell    matrix.Cell
	dir     string // a folder of this machine, removed when it is closed
	keep    string // a folder for the run's files, "" to keep none

	backend    testbed.Backend
	broker     testbed.Process // nil where somebody else runs it
	subscriber testbed.Process // nil where there is none
	audience   testbed.Process // all subscribers but the first; nil where that is the only one
	author     testbed.Process // holds the author's place: a batch is a command beside it
	delay      testbed.Process // nil while nothing is delayed
	receive    string          // the broker's addresses, host:port, for authors
	broadcast  string          // and subscribers

	dead context.Context // ends when a role has died, and with the experiment; its cause is the death
	die  context.CancelCauseFunc

	reached     func(phase) // is told of each phase but the first; nil tells nobody
	progress    counter
	clocks      clocks
	used        *usage               // at the end of the last batch; nil before the first
	sent, acked int                  // events of all batches
	measured    time.Duration        // that they took
	report      agent.AuthorReport   // of the last batch
	delivered   *embedded.Deliveries // to the audience, as it said last
	run         results.Run          // what is known of it
}

// New makes an experiment with a subject in a cell, of which nothing is started
// yet. The run's files (author.log, events.csv.gz, latencies.hlog, broker.db,
// subscriber.db) are left in the folder keep, unless that is "".
func New(ctx context.Context, c Config, s *Subject, cell matrix.Cell, keep string) (*Experiment, error) {
	if s.inContainers(cell) {
		if err := c.Testbed.PrepareContainers(ctx); err != nil {
			return nil, &StartError{err}
		}
	}
	x := &Experiment{
		config: c, subject: s, cell: cell, keep: keep,
		run: results.Run{
			Cell: cell, Started: time.Now(), Software: s.Software, Payload: c.Payload.record,
			Machine: c.machineOf(s, cell), Program: c.Program, Netem: "none", AuthorMachine: c.AuthorMachine,
		},
	}
	var err error
	if x.dir, err = c.Testbed.Folder(); err != nil {
		return nil, err
	}
	x.dead, x.die = context.WithCancelCause(context.Background())
	return x, nil
}

// Run takes all the steps once, with all of the cell's events in one batch, and
// closes the experiment. An error means that the run is void: there are no
// figures, and the error says why, as does the record.
func (x *Experiment) Run(ctx context.Context) (*results.Run, error) {
	err := x.take(ctx, x.steps()...)
	return x.conclude(errors.Join(err, x.Close(ctx)))
}

// runOpen is Run, but leaves it to the caller to close the experiment.
func (x *Experiment) runOpen(ctx context.Context) (*results.Run, error) {
	return x.conclude(x.take(ctx, x.steps()...))
}

// conclude makes the record whole.
func (x *Experiment) conclude(err error) (*results.Run, error) {
	if err != nil {
		err = fmt.Errorf("run of %s: %w", x.cell, err)
		x.run.Void = err.Error()
		return &x.run, err
	}
	x.run.Outside = time.Since(x.run.Started) - x.measured
	x.judge()
	return &x.run, nil
}

// StartError is the error of a run whose roles didn't start or didn't get
// ready: the next run of the same broker will hardly do better.
type StartError struct{ err error }

func (e *StartError) Error() string { return e.err.Error() }
func (e *StartError) Unwrap() error { return e.err }

// beforeSending is how many steps come before the author's.
const beforeSending = 3

// Begin takes the steps before the first batch: it starts the roles, adds the
// latency and proves it.
func (x *Experiment) Begin(ctx context.Context) error {
	return x.take(ctx, x.steps()[:beforeSending]...)
}

// End takes the steps after the last batch: it waits for the subscriber, proves
// the latency again and takes it away, and collects the files.
func (x *Experiment) End(ctx context.Context) error {
	return x.take(ctx, x.steps()[beforeSending+1:]...)
}

// take takes steps, and ends with the reason at the deadline of one and when a
// role dies.
func (x *Experiment) take(ctx context.Context, steps ...step) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(x.dead, func() { cancel(context.Cause(x.dead)) })
	defer stop()
	for _, s := range steps {
		err := takeOne(ctx, s)
		if err != nil && s.name == "start" {
			return &StartError{err}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func takeOne(ctx context.Context, s step) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.deadline, fmt.Errorf("not done after %v", s.deadline))
	defer cancel()
	err := s.do(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w (%w)", cause, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

// Close ends the roles and removes all that the experiment has made. It has a
// deadline of its own, and goes on where ctx has ended.
func (x *Experiment) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeDeadline)
	defer cancel()
	var errs []error
	x.die(nil)
	if x.backend != nil {
		errs = append(errs, x.backend.Close(ctx))
	}
	return errors.Join(append(errs, os.RemoveAll(x.dir))...)
}

// reach tells of the phase that begins.
func (x *Experiment) reach(p phase) {
	if x.reached != nil {
		x.reached(p)
	}
}

func (x *Experiment) warn(format string, args ...any) {
	x.run.Warnings = append(x.run.Warnings, fmt.Sprintf(format, args...))
}

// folder is where the files of a role are copied to.
func (x *Experiment) folder(role string) string { return filepath.Join(x.dir, role) }

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

// Progress returns how many events the author has done in the batch under way,
// and the time since that began; none between batches. It may be called at any
// time.
func (x *Experiment) Progress() (events int, elapsed time.Duration) { return x.progress.get() }

// pause waits for d or the end of the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
