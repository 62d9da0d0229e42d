package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"cometbench/internal/cpuidle"
	"cometbench/internal/program"
	"cometbench/internal/progress"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
	"cometbench/subject"
	"cometbench/testbed"
)

// Options say what a series is made of.
type Options struct {
	Brokers []subject.Subject
	// Defaults says that the brokers weren't asked for by name: those that
	// can't be had here are left out.
	Defaults bool
	Matrix   matrix.Matrix // without brokers
	// Bench is the pattern of the benchmarks that will be run, "" for all: what
	// it leaves out isn't prepared.
	Bench   string
	Count   int            // runs of each cell
	Testbed testbed.Config // without Status: the series shows it itself
	Netem   netem.Kind     // the kind of delay to use
	// Results is the folder of the tree in which the runs are kept, "" to keep
	// none.
	Results string
	// Public consents to sending test events to a broker of somebody else
	// whose address isn't private.
	Public bool
}

// Series is many runs on one testbed, one after another, and what is around
// them.
type Series struct {
	config   Config
	subjects map[string]*Subject // by label
	labels   map[string]string   // by name
	leftOut  []error             // why brokers or cells that were wanted aren't there
	cells    []matrix.Cell
	netem    string        // the kind of delay, where it was tried
	tree     *results.Tree // nil where no runs are kept
	cpuidle  *os.File      // keeps processors from sleeping; nil where nothing does
	line     *progress.Line

	failed  map[string]bool          // brokers that didn't start, by label
	void    map[matrix.Cell]int      // runs that are void
	service map[string]time.Duration // service times, by label
	count   int                      // runs of each cell
	done    int                      // runs
	took    time.Duration            // what these took
}

// preparation bounds what happens before the first run, the building of images
// included.
const preparation = 30 * time.Minute

// NewSeries makes a series on a testbed of its own, with every broker ready to be
// measured.
func NewSeries(ctx context.Context, o Options) (_ *Series, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, preparation, fmt.Errorf("not ready after %v", preparation))
	defer cancel()
	s := &Series{
		line: progress.Open(), subjects: make(map[string]*Subject), labels: make(map[string]string),
		failed: make(map[string]bool), void: make(map[matrix.Cell]int), service: make(map[string]time.Duration),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	defer s.line.Clear()
	o.Testbed.Status = s.line.Set
	if s.config.Testbed, err = testbed.New(ctx, o.Testbed); err != nil {
		return nil, err
	}
	s.config.Netem, s.config.Machine, s.config.Program = o.Netem, machine(s.config.Testbed.Engine()), program.Read()
	if s.cpuidle = cpuidle.Prevent(); s.cpuidle != nil {
		s.config.Machine.Idle = "polling"
	}
	if o.Results != "" {
		s.tree = &results.Tree{Dir: o.Results}
	}
	var labels []string
	for _, broker := range o.Brokers {
		if !o.wants(broker) {
			continue
		}
		prepared, err := Prepare(ctx, s.config.Testbed, broker, o.Public)
		switch {
		case err == nil:
			s.subjects[prepared.Label], s.labels[broker.Name] = prepared, prepared.Label
			labels = append(labels, prepared.Label)
		case o.Defaults && ctx.Err() == nil:
			s.leftOut = append(s.leftOut, err)
		default:
			return nil, err
		}
	}
	o.Matrix.Brokers = labels
	s.Plan(o.chosen(o.Matrix.Cells()), o.Count)
	return s, nil
}

// Close removes everything that the series still holds.
func (s *Series) Close() error {
	var errs []error
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

// wants reports whether any cell of a broker will be run. That of a source tree
// isn't known before its label has a digest.
func (o *Options) wants(b subject.Subject) bool {
	if b.Kind == subject.Source || b.Kind == subject.Git {
		return true
	}
	m := o.Matrix
	m.Brokers = []string{b.Label}
	return len(o.chosen(m.Cells())) > 0
}

// chosen returns those of the cells that will be run.
func (o *Options) chosen(cells []matrix.Cell) []matrix.Cell {
	return slices.DeleteFunc(cells, func(c matrix.Cell) bool { return o.Bench != "" && !matches(o.Bench, c) })
}

// Cells returns the cells that will be run, with the labels of the brokers as they
// were prepared.
func (s *Series) Cells() []matrix.Cell { return s.cells }

// Plan says that the cells will be run, count times each: by default, those of the
// options.
func (s *Series) Plan(cells []matrix.Cell, count int) { s.cells, s.count = cells, count }

// Check refuses what can't be done: it tries to keep runs, and to add a latency.
func (s *Series) Check(ctx context.Context) error {
	if s.tree != nil {
		if err := s.checkTree(); err != nil {
			return fmt.Errorf("-results: %w", err)
		}
	}
	defer s.line.Clear()
	tried := make(map[string]bool)
	for _, cell := range slices.Clone(s.cells) {
		// Where containers are delayed, one of them tells for all.
		if cell.Latency == 0 || tried[cell.Broker] || s.netem != "" && s.subjects[cell.Broker].Kind != subject.Embedded {
			continue
		}
		tried[cell.Broker] = true
		if err := s.tryLatency(ctx, cell); err != nil {
			return fmt.Errorf("-latency: %w", err)
		}
	}
	if len(s.cells) == 0 {
		return fmt.Errorf("nothing can be measured here: %w", errors.Join(s.leftOut...))
	}
	return nil
}

// tryLatency tries to delay what is sent to the broker of a cell. Where this
// machine can't delay a process, the embedded broker's cells with latency are run
// in containers, or left out where there is no engine.
func (s *Series) tryLatency(ctx context.Context, cell matrix.Cell) error {
	trial := cell
	trial.Latency, trial.Conns, trial.Events = time.Millisecond, 1, 1
	sub := s.subjects[cell.Broker]
	run, err := s.once(ctx, trial, "")
	inside := sub.inContainers(trial)
	if errors.Is(err, netem.ErrUnsupported) && !inside && s.config.Testbed.Engine() != "" {
		sub.delayedInside, inside = true, true
		run, err = s.once(ctx, trial, "")
	}
	switch {
	case err == nil:
		s.netem = run.Netem
		return nil
	case sub.Kind != subject.Embedded || !errors.Is(err, netem.ErrUnsupported) && !(inside && s.config.Testbed.Engine() == ""):
		return fmt.Errorf("try to delay what the author sends: %w", err)
	}
	s.leftOut = append(s.leftOut, fmt.Errorf("%s with latency: %w", cell.Broker, err))
	s.cells = slices.DeleteFunc(s.cells, func(c matrix.Cell) bool { return c.Broker == cell.Broker && c.Latency > 0 })
	return nil
}

// checkTree says what the runs will take, and refuses what can't be kept.
func (s *Series) checkTree() error {
	if err := s.tree.Check(); err != nil {
		return err
	}
	space, err := s.tree.Space(s.cells, s.count)
	if err != nil {
		return err
	}
	if !space.Enough() {
		return fmt.Errorf("%s: %s: make space, or choose another folder", s.tree.Dir, space)
	}
	s.line.Say("%s: %s", s.tree.Dir, space)
	return nil
}

// WriteConfig prints what the figures of the planned cells depend on, the same
// for every broker: or benchstat would split its table.
func (s *Series) WriteConfig(w io.Writer) error {
	var runs []*results.Run
	for _, cell := range s.cells {
		runs = append(runs, &results.Run{
			Cell: cell, Software: s.subjects[cell.Broker].Software, Machine: s.config.Machine, Netem: s.netem,
		})
	}
	config := results.Configs(runs)
	var reasons []string
	for _, err := range s.leftOut {
		reasons = append(reasons, strings.Join(strings.Fields(err.Error()), " "))
	}
	if len(reasons) > 0 {
		config = append(config, results.ConfigLine{Key: "left-out", Value: strings.Join(reasons, "; ")})
	}
	if err := results.WriteUnits(w); err != nil {
		return err
	}
	return results.WriteConfig(w, config)
}

// Run makes one of the planned runs, and repeats it once if it is void: one
// disturbed start isn't to cost a cell its runs. What was wrong with the first
// attempt is a warning on the second. An error means that both were void, or that
// the broker didn't start in an earlier run.
func (s *Series) Run(ctx context.Context, cell matrix.Cell) (*results.Run, error) {
	if s.failed[cell.Broker] {
		s.void[cell]++
		return nil, fmt.Errorf("left out: %s didn't start in an earlier run", cell.Broker)
	}
	run, first := s.attempt(ctx, cell)
	if first == nil || ctx.Err() != nil {
		return run, first
	}
	run, err := s.attempt(ctx, cell, "it was void at the first attempt: "+first.Error())
	if err != nil {
		var start *StartError
		s.failed[cell.Broker] = errors.As(err, &start) && ctx.Err() == nil
		s.void[cell]++
		return nil, fmt.Errorf("void: %w", err)
	}
	return run, nil
}

// Attempt does the experiment once, shows how far it has come, and keeps the run,
// or the reason why it is void, which is in the error too.
func (s *Series) Attempt(ctx context.Context, cell matrix.Cell) (*results.Run, error) {
	return s.attempt(ctx, cell)
}

// attempt is Attempt with warnings for the run.
func (s *Series) attempt(ctx context.Context, cell matrix.Cell, warnings ...string) (*results.Run, error) {
	begun := time.Now()
	keep := ""
	var staging *results.Staging
	if s.tree != nil {
		var err error
		if staging, err = s.tree.Stage(); err != nil {
			return nil, err
		}
		defer staging.Discard()
		keep = staging.Dir
	}
	run, err := s.once(ctx, cell, keep)
	if ctx.Err() != nil { // interrupted, which says nothing of the cell
		return nil, err
	}
	if err == nil {
		s.judge(run)
		run.Warnings = append(run.Warnings, warnings...)
	}
	if staging != nil && run != nil {
		if _, kept := staging.Commit(run); kept != nil {
			return nil, errors.Join(err, kept)
		}
	}
	if err != nil {
		return nil, err
	}
	s.done++
	s.took += time.Since(begun)
	return run, nil
}

// Void says in one line how many of the planned runs of which cells are void, ""
// if none is.
func (s *Series) Void() string {
	total, text := 0, ""
	for _, cell := range s.cells {
		if n := s.void[cell]; n > 0 {
			total += n
			text += fmt.Sprintf(", %d of %d of %s", n, s.count, cell)
		}
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d runs are void: %s", total, len(s.cells)*s.count, text[2:])
}

// once does the experiment once.
func (s *Series) once(ctx context.Context, cell matrix.Cell, keep string) (*results.Run, error) {
	x, err := New(ctx, s.config, s.subjects[cell.Broker], cell, keep)
	if err != nil {
		return nil, err
	}
	defer s.show(x)()
	return x.Run(ctx)
}

// judge gives the run the service time that theory is reckoned with.
func (s *Series) judge(run *results.Run) {
	if run.Cell.Latency == 0 {
		if run.Cell.Conns == 1 && run.Author.Acked == run.Author.Sent {
			s.service[run.Cell.Broker] = run.Author.Elapsed / time.Duration(run.Author.Sent)
		}
		return
	}
	// The cell without latency has two undelayed round trips in its time.
	run.Service = max(0, s.service[run.Cell.Broker]-2*run.BaseRTT)
}

// show keeps the progress line up to date until hide is called, which returns
// when the line has been cleared.
func (s *Series) show(x *Experiment) (hide func()) {
	done, hidden := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(hidden)
		defer s.line.Clear()
		for ticker := time.Tick(time.Second); ; {
			s.line.Set("%s", s.status(x))
			select {
			case <-ticker:
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-hidden }
}

func (s *Series) status(x *Experiment) string {
	text := fmt.Sprintf("run %d of %d: %s", s.done+1, len(s.cells)*s.count, x.cell)
	if n, elapsed := x.Progress(); n > 0 {
		text += fmt.Sprintf(", %.0f events/s", float64(n)/elapsed.Seconds())
	}
	if expected := x.cell.Expected(); expected > time.Minute {
		text += fmt.Sprintf(", takes %s or more", progress.Left(expected))
	}
	if s.done > 0 {
		left := s.took / time.Duration(s.done) * time.Duration(len(s.cells)*s.count-s.done)
		text += fmt.Sprintf(", about %s left", progress.Left(left))
	}
	return text
}
