package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"cometbench/internal/cpuidle"
	"cometbench/internal/program"
	"cometbench/internal/progress"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/campaign"
	"cometbench/subject"
	"cometbench/testbed"
)

// Series is many runs on one testbed, one after another or side by side, and what
// is around them.
type Series struct {
	config   Config
	subjects map[string]*Subject // by label
	labels   map[string]string   // by name
	leftOut  []error             // why brokers or cells that were wanted aren't there
	delays   map[string]string   // the kind of delay of brokers, by label, where it was tried
	tree     *results.Tree       // nil where no runs are kept
	campaign *campaign.Plan      // of which this series is a shard; nil where it is all
	resume   bool                // makes only the runs that the tree hasn't got
	removing *task               // of the last round's roles; nil where there was none
	cpuidle  *os.File            // keeps processors from sleeping; nil where nothing does
	line     *progress.Line
	plan     plan
	overlap  int        // how many runs may be side by side
	ahead    *conductor // makes runs ahead of their turn; nil until the first is asked for, and one by one

	removal   chan error // tells how the removal of the last run went; nil where it is over
	unremoved error      // what went wrong when runs were removed

	void    map[matrix.Cell]int             // runs that are void
	kept    map[matrix.Cell][]results.Found // runs of the tree that are to be returned
	mu      sync.Mutex                      // guards what follows
	failed  map[string]bool                 // brokers that didn't start, by label
	unkept  error                           // why the last run couldn't be kept
	service map[string]time.Duration        // service times, by series of cells
}

// preparation bounds what happens before the first run, the building of images
// included.
const preparation = 30 * time.Minute

// NewSeries makes a series on a testbed of its own, with every broker ready to be
// measured.
func NewSeries(ctx context.Context, o Options) (_ *Series, err error) {
	if o.Overlap > 1 {
		if err := checkOverlap(); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, preparation, fmt.Errorf("not ready after %v", preparation))
	defer cancel()
	s := &Series{
		line: progress.Open(), subjects: make(map[string]*Subject), labels: make(map[string]string),
		delays: make(map[string]string), failed: make(map[string]bool), void: make(map[matrix.Cell]int),
		service: make(map[string]time.Duration),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	defer s.showPreparation(&o.Testbed)()
	if s.config.Testbed, err = testbed.New(ctx, o.Testbed); err != nil {
		return nil, err
	}
	s.config.Payload, s.overlap = o.Payload, o.Overlap
	s.config.Netem, s.config.Machine, s.config.Program = o.Netem, machine(s.config.Testbed.Engine()), program.Read()
	if !s.config.Testbed.Apart() {
		if s.cpuidle = cpuidle.Prevent(); s.cpuidle != nil {
			s.config.Machine.Idle = "polling"
		}
	}
	if err := s.config.describeHosts(ctx); err != nil {
		return nil, err
	}
	if s.overlap > 1 && s.config.Containers != nil {
		return nil, fmt.Errorf("-overlap: containers run on another machine (%s), and what that has room for "+
			"isn't known: want -overlap=1", s.config.Containers.Engine)
	}
	if o.Results != "" {
		s.tree, s.resume = &results.Tree{Dir: o.Results}, o.Resume
	}
	var labels []string
	for _, broker := range o.Brokers {
		if !o.wants(broker) {
			continue
		}
		prepared, err := s.prepare(ctx, broker, o.Public)
		switch {
		case err == nil:
			labels = append(labels, prepared.Label)
		case o.Defaults && ctx.Err() == nil:
			s.leftOut = append(s.leftOut, err)
		default:
			return nil, err
		}
	}
	o.Matrix.Brokers = labels
	s.Plan(s.share(&o, o.chosen(o.Matrix.Cells())), o.Count)
	return s, nil
}

// prepare makes a broker ready to be measured.
func (s *Series) prepare(ctx context.Context, b subject.Subject, public bool) (*Subject, error) {
	prepared, err := Prepare(ctx, s.config.Testbed, b, public)
	if err != nil {
		return nil, err
	}
	s.subjects[prepared.Label], s.labels[b.Name] = prepared, prepared.Label
	return prepared, nil
}

// Add makes one more broker ready to be measured. It isn't in the plan.
func (s *Series) Add(ctx context.Context, b subject.Subject) (*Subject, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, preparation, fmt.Errorf("not ready after %v", preparation))
	defer cancel()
	defer s.line.Show(func() (head, tail string) { return "preparing " + b.Label, "" })()
	return s.prepare(ctx, b, false)
}

// Close removes everything that the series still holds.
func (s *Series) Close() error {
	errs := []error{s.removing.wait()}
	if s.ahead != nil {
		s.ahead.stop()
	}
	s.awaitRemoval()
	errs = append(errs, s.unremoved)
	if s.cpuidle != nil {
		errs = append(errs, s.cpuidle.Close())
	}
	if s.config.Testbed != nil {
		errs = append(errs, s.config.Testbed.Close())
	}
	return errors.Join(append(errs, s.line.Close())...)
}

// Label returns the label of the broker of that name, as it was prepared: that of
// a source tree holds a digest of its content.
func (s *Series) Label(name string) string { return s.labels[name] }

// Subject returns the broker of that name, ready to be measured.
func (s *Series) Subject(name string) *Subject { return s.subjects[s.labels[name]] }

// Cells returns the cells that will be run, with the labels of the brokers as they
// were prepared.
func (s *Series) Cells() []matrix.Cell { return s.plan.cells }

// Plan says that the cells will be run, count times each: by default, those of the
// options.
func (s *Series) Plan(cells []matrix.Cell, count int) {
	s.plan = plan{cells: cells, count: count}
}

// WriteConfig prints what the figures of the planned cells depend on, the same
// for every broker: or benchstat would split its table.
func (s *Series) WriteConfig(w io.Writer) error {
	var runs []*results.Run
	for _, cell := range s.plan.cells {
		runs = append(runs, s.planned(cell))
	}
	config := results.Configs(runs)
	if s.campaign != nil {
		config = append(config, s.shard())
	}
	if s.resume {
		config = append(config, s.resumed())
	}
	if note := s.aliveNote(s.plan.cells); note != "" {
		config = append(config, results.ConfigLine{Key: "alive-check", Value: note})
	}
	var reasons []string
	for _, err := range s.leftOut {
		reason := strings.Join(strings.Fields(err.Error()), " ")
		s.line.Say("left out: %s", reason) // benchstat passes over the note
		reasons = append(reasons, reason)
	}
	if len(reasons) > 0 {
		config = append(config, results.ConfigLine{Key: "left-out", Value: strings.Join(reasons, "; ")})
	}
	if err := results.WriteUnits(w, runs); err != nil {
		return err
	}
	return results.WriteConfig(w, config)
}

// planned returns what is known of a run of the cell before it is made.
func (s *Series) planned(cell matrix.Cell) *results.Run {
	sub := s.subjects[cell.Broker]
	return &results.Run{
		Cell: cell, Software: sub.Software, Machine: s.config.machineOf(sub, cell),
		AuthorMachine: s.config.AuthorMachine, Netem: s.delays[cell.Broker], Program: s.config.Program,
		Payload: s.config.Payload.record,
	}
}

// Run makes one of the planned runs, waits for one that was begun ahead of its
// turn, or returns one that the tree has already. An error means that it is void,
// that the broker didn't start in an earlier one, or that runs can't be kept any
// more.
func (s *Series) Run(ctx context.Context, cell matrix.Cell) (run *results.Run, err error) {
	if run := s.takeKept(cell); run != nil {
		return run, nil
	}
	if s.overlap > 1 {
		run, err = s.await(ctx, cell)
	} else {
		run, err = s.inTurn(ctx, cell)
	}
	if err != nil && ctx.Err() == nil {
		s.void[cell]++
	}
	return run, err
}

// inTurn makes one of the planned runs now.
func (s *Series) inTurn(ctx context.Context, cell matrix.Cell) (*results.Run, error) {
	defer func() { s.plan.done++ }()
	if err := s.hopeless(cell.Broker); err != nil {
		return nil, err
	}
	run, err := s.attempts(ctx, cell, nil, func(x *Experiment) (over func(*results.Run) error) {
		s.plan.begin()
		return s.watch(x)
	})
	if err == nil {
		s.plan.finish(cell, time.Since(s.plan.since))
		return run, nil
	}
	if ctx.Err() == nil {
		s.giveUp(cell.Broker, err)
	}
	return nil, fmt.Errorf("void: %w", err)
}

// giveUp notes that a run of a broker is void for good: where it didn't start, no
// other is tried.
func (s *Series) giveUp(broker string, void error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var start *StartError
	s.failed[broker] = errors.As(void, &start)
}

// hopeless says why no run of a broker can be made any more, nil where they can.
func (s *Series) hopeless(broker string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.unkept != nil:
		return fmt.Errorf("left out: no run can be kept: %w", s.unkept)
	case s.failed[broker]:
		return fmt.Errorf("left out: %s didn't start in an earlier run", broker)
	}
	return nil
}

// watch looks on at an experiment. When that is over, it may find that the run is
// void nevertheless.
type watch func(*Experiment) (over func(*results.Run) error)

// attempts makes one of the planned runs, and repeats it once if it is void: one
// disturbed start isn't to cost a cell its runs. Its error is that of the last
// attempt. The reasons why earlier ones were void are warnings on the run that
// took their place.
func (s *Series) attempts(ctx context.Context, cell matrix.Cell, earlier []error, w watch) (*results.Run, error) {
	for attempt := 1; ; attempt++ {
		run, err := s.attempt(ctx, cell, earlier, w)
		if err == nil || attempt == 2 || ctx.Err() != nil {
			return run, err
		}
		earlier = append(earlier, err)
	}
}

// attempt does the experiment once, shows how far it has come, and keeps the run,
// or the reason why it is void, which is in the error too.
func (s *Series) attempt(ctx context.Context, cell matrix.Cell, earlier []error, w watch) (*results.Run, error) {
	keep := ""
	var staging *results.Staging
	if s.tree != nil {
		var err error
		if staging, err = s.tree.Stage(); err != nil {
			s.setUnkept(err)
			return nil, err
		}
		defer staging.Discard()
		keep = staging.Dir
	}
	run, err := s.once(ctx, cell, keep, w)
	if ctx.Err() != nil { // interrupted, which says nothing of the cell
		return nil, errors.Join(err, context.Cause(ctx))
	}
	if err == nil {
		s.judge(run)
		for _, e := range earlier {
			run.Warnings = append(run.Warnings, "it was void at the first attempt: "+e.Error())
		}
	}
	if staging != nil && run != nil {
		_, unkept := staging.Commit(run)
		if err = errors.Join(err, unkept); unkept == nil && results.IsFull(err) {
			unkept = err
		}
		s.setUnkept(unkept)
	}
	if err != nil {
		return nil, err
	}
	return run, nil
}

// setUnkept notes why the last run couldn't be kept, nil if it was.
func (s *Series) setUnkept(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unkept = err
}

// Void says in one line how many of the planned runs of which cells are void, ""
// if none is.
func (s *Series) Void() string {
	total, text := 0, ""
	for _, cell := range s.plan.cells {
		if n := s.void[cell]; n > 0 {
			total += n
			text += fmt.Sprintf(", %d of %d of %s", n, s.plan.count, cell)
		}
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d runs are void: %s", total, s.plan.total(), text[2:])
}

// once does the experiment once.
func (s *Series) once(ctx context.Context, cell matrix.Cell, keep string, w watch) (*results.Run, error) {
	x, err := New(ctx, s.config, s.subjects[cell.Broker], cell, keep)
	if err != nil {
		return nil, err
	}
	over := w(x)
	run, err := s.do(ctx, x)
	if void := over(run); err == nil && void != nil {
		err = fmt.Errorf("run of %s: %w", cell, void)
		run.Void = err.Error()
	}
	return run, err
}

// judge gives the run the service time that theory is reckoned with.
func (s *Series) judge(run *results.Run) {
	if run.Cell.Rate > 0 {
		return // it is no rate that theory has
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if run.Cell.Latency == 0 && run.Cell.Conns == 1 {
		if run.Author.Acked == run.Author.Sent {
			s.service[run.Cell.Series()] = run.Author.Elapsed / time.Duration(run.Author.Sent)
		}
		return
	}
	if run.Cell.Latency == 0 && run.RTT == 0 {
		return // on one machine no round trips are measured without latency
	}
	// The cell without latency has undelayed round trips in its time.
	roundTrips := time.Duration(run.Cell.RoundTrips())
	run.Service = max(0, s.service[run.Cell.Series()]-roundTrips*run.BaseRTT)
}

// watch keeps the progress line up to date until the experiment is over.
func (s *Series) watch(x *Experiment) (over func(*results.Run) error) {
	hide := s.line.Show(func() (head, tail string) {
		head = fmt.Sprintf("run %d of %d: %s", s.plan.done+1, s.plan.total(), x.cell)
		if n, elapsed := x.Progress(); n > 0 {
			head += fmt.Sprintf(", %.0f events/s", float64(n)/elapsed.Seconds())
		}
		return head, s.plan.String()
	})
	return func(*results.Run) error { hide(); return nil }
}

// showPreparation shows what is being prepared, and for how long, until hide is
// called.
func (s *Series) showPreparation(c *testbed.Config) (hide func()) {
	var mu sync.Mutex
	now, since := "preparing", time.Now()
	c.Status = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		now, since = fmt.Sprintf(format, args...), time.Now()
	}
	return s.line.Show(func() (head, tail string) {
		mu.Lock()
		defer mu.Unlock()
		return now, fmt.Sprintf(", %.0f s", time.Since(since).Seconds())
	})
}
