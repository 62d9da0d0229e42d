package experiment

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	"cometbench/internal/progress"
	"cometbench/matrix"
	"cometbench/results"
)

// runMemory is more than what a run needs of the machine's memory: two Comets of 35
// MB each, three or four containers of ours, and databases and logs in memory.
const runMemory = 400 << 20

// parseOverlap reads how many runs may be side by side.
func parseOverlap(s string) (int, error) {
	if s == "auto" {
		return MostOverlap, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > MostOverlap {
		return 0, fmt.Errorf("%q: want 1 (one by one) to %d runs, or auto", s, MostOverlap)
	}
	return n, nil
}

// checkOverlap refuses to make runs side by side where it can't be known what there
// is room for.
func checkOverlap() error {
	if _, err := availableMemory(); err != nil {
		return fmt.Errorf("-overlap: what this machine has room for can't be read (%w): want Linux, or -overlap=1", err)
	}
	return nil
}

// conductor makes the planned runs of a series as its schedule says, ahead of
// their turn, and keeps what came of them until it is asked for.
type conductor struct {
	series *Series
	end    context.CancelFunc
	ended  chan struct{} // closed when nothing is under way any more
	wake   chan struct{} // told when more may begin

	made map[matrix.Cell]chan outcome

	mu       sync.Mutex
	schedule *schedule
	crowd    crowd
	begun    map[*slot]time.Time
	earlier  map[matrix.Cell][]error // why runs that are to be repeated alone are void
	over     int                     // runs that were made, or are void
	setUp    mean                    // how long starting took
	removal  mean                    // and ending
}

// outcome is what came of a planned run.
type outcome struct {
	run *results.Run
	err error
}

// mean is that of durations.
type mean struct {
	sum time.Duration
	n   int
}

func (m *mean) add(d time.Duration) { m.sum, m.n = m.sum+d, m.n+1 }

func (m mean) of() time.Duration { return m.sum / time.Duration(max(1, m.n)) }

// await waits for a planned run of a cell that is made ahead of its turn.
func (s *Series) await(ctx context.Context, cell matrix.Cell) (*results.Run, error) {
	if s.ahead == nil {
		s.ahead = s.conduct(ctx)
	}
	defer s.line.Show(s.ahead.progress)()
	select {
	case o := <-s.ahead.made[cell]:
		return o.run, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// conduct begins to make the planned runs.
func (s *Series) conduct(ctx context.Context) *conductor {
	c := s.conductor()
	ctx, c.end = context.WithCancel(ctx)
	go c.conduct(ctx)
	return c
}

// conductor returns one that has begun nothing yet.
func (s *Series) conductor() *conductor {
	missing := s.plan.missing()
	c := &conductor{
		series: s, ended: make(chan struct{}), wake: make(chan struct{}, 1), made: make(map[matrix.Cell]chan outcome),
		schedule: newSchedule(missing, s.overlap, runtime.NumCPU()), over: s.plan.total() - len(missing),
		crowd: crowd{now: time.Now, members: make(map[*member]bool)},
		begun: make(map[*slot]time.Time), earlier: make(map[matrix.Cell][]error),
	}
	for _, cell := range s.plan.cells {
		c.made[cell] = make(chan outcome, s.plan.count)
		for _, found := range s.kept[cell] {
			c.learn(found.Run)
		}
	}
	return c
}

// stop ends the runs under way, and waits until all is removed.
func (c *conductor) stop() {
	c.end()
	<-c.ended
}

// memoryPoll is how soon memory that others have given back is noticed.
const memoryPoll = 5 * time.Second

func (c *conductor) conduct(ctx context.Context) {
	defer close(c.ended)
	var runs sync.WaitGroup
	defer runs.Wait()
	for ctx.Err() == nil {
		up, done := c.next()
		switch {
		case up != nil:
			runs.Go(func() { c.make(ctx, up) })
			continue
		case done:
			return
		}
		select {
		case <-c.wake:
		case <-time.After(memoryPoll):
		case <-ctx.Done():
		}
	}
}

// next begins a run, if one may begin now, and reports whether all is done.
func (c *conductor) next() (up *slot, done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	free, err := availableMemory()
	// What those that start will take isn't taken yet.
	need := uint64(runMemory)
	for _, up := range c.schedule.up {
		if up.phase == starting {
			need += runMemory
		}
	}
	if up = c.schedule.next(err == nil && free > need); up != nil {
		c.begun[up] = time.Now()
	}
	return up, c.schedule.done()
}

// make makes the run of a slot.
func (c *conductor) make(ctx context.Context, up *slot) {
	c.mu.Lock()
	m := c.crowd.enter()
	var earlier []error
	if reasons := c.earlier[up.cell]; up.again {
		earlier, c.earlier[up.cell] = reasons[:1:1], reasons[1:]
	}
	c.mu.Unlock()
	w := func(x *Experiment) func(*results.Run) error { return c.watch(x, up, m) }
	var run *results.Run
	var err error
	if up.alone {
		run, err = c.series.attempts(ctx, up.cell, earlier, w)
	} else {
		run, err = c.series.attempt(ctx, up.cell, nil, w)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.crowd.leave(m)
	c.schedule.end(up)
	if ctx.Err() == nil {
		c.conclude(up, run, err)
	}
	delete(c.begun, up)
	c.wakeUp()
}

// wakeUp has the conductor look whether more may begin.
func (c *conductor) wakeUp() {
	select {
	case c.wake <- struct{}{}:
	default: // it will
	}
}

// watch notes the phases of an experiment, and what it used.
func (c *conductor) watch(x *Experiment, up *slot, m *member) (over func(*results.Run) error) {
	begun := time.Now()
	x.reached = func(p phase) {
		c.mu.Lock()
		defer c.mu.Unlock()
		up.phase = p
		switch p {
		case measuring:
			c.setUp.add(time.Since(begun))
			c.crowd.begin(m)
		case ending:
			c.crowd.finish(m)
			begun = time.Now()
		}
		c.wakeUp()
	}
	return func(run *results.Run) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if run.Void != "" {
			return nil
		}
		c.removal.add(time.Since(begun))
		c.learn(run)
		beside := m.beside
		run.Beside = &beside
		if up.alone {
			return nil
		}
		return judgeBeside(run)
	}
}

// learn notes what a run has used, if the system tells.
func (c *conductor) learn(run *results.Run) {
	u := run.Usage
	if cpu := u.Author.CPU + u.Broker.CPU + u.Subscriber.CPU + u.Delay; cpu > 0 {
		c.schedule.learn(run.Cell, cpu, run.Author.Sent)
	}
}

// conclude hands on what came of a run. One that was void beside others is
// repeated alone, whatever the reason: the others may have been it.
func (c *conductor) conclude(up *slot, run *results.Run, err error) {
	switch {
	case err == nil:
		c.series.plan.finish(up.cell, time.Since(c.begun[up]))
		c.hand(up.cell, outcome{run: run})
	case !up.alone:
		var start *StartError
		c.earlier[up.cell] = append(c.earlier[up.cell], err)
		c.schedule.repeat(up.cell, errors.As(err, &start))
	default:
		c.series.giveUp(up.cell.Broker, err)
		c.hand(up.cell, outcome{err: fmt.Errorf("void: %w", err)})
	}
	c.schedule.drop(c.series.hopeless, func(cell matrix.Cell, err error) { c.hand(cell, outcome{err: err}) })
}

// hand hands an outcome to who waits for it, or will.
func (c *conductor) hand(cell matrix.Cell, o outcome) {
	c.over++
	c.made[cell] <- o
}

// progress says for a person how far the runs have come.
func (c *conductor) progress() (head, tail string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &c.series.plan
	head = fmt.Sprintf("%s of %s, %d under way", progress.Count(c.over), progress.Count(p.total()), len(c.schedule.up))
	var elapsed []time.Duration
	for _, up := range c.schedule.up {
		elapsed = append(elapsed, time.Since(c.begun[up]))
	}
	left := c.schedule.forecast(func(up *slot) (starting, measuring, ending time.Duration) {
		starting, ending = c.setUp.of(), c.removal.of()
		return starting, max(0, p.of(up.cell)-starting-ending), ending
	}, elapsed, func(*schedule, *slot) {})
	if p.made == 0 {
		return head, "" // nothing is known of the load: all would be one by one
	}
	return head, fmt.Sprintf(", about %s left", progress.Left(left))
}
