package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cometbench/author"
	"cometbench/eventdb"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/paired"
	"cometbench/testbed"
)

const (
	// readyDeadline is how long both brokers of a round may take to be ready: a
	// Comet takes 2 to 4 s.
	readyDeadline = 25 * time.Second
	// roundPairs is how many pairs a round has, fewer where they would take
	// longer than roundTime: minPairs at least.
	roundPairs = 20
	minPairs   = 6
	// boundPairs is how many are made where the latency decides the rate, which
	// is known as exactly by half of them.
	boundPairs = 10
	roundTime  = 30 * time.Second
	// batchTime is what a batch is to take: many times what passes between the
	// author's last ack and the broker's rest. Its connections are used
	// eventsPerConn times at least.
	batchTime     = 220 * time.Millisecond
	eventsPerConn = 4
	// warmUp is how many events each broker gets before the first pair, fewer
	// where latency makes them take longer than warmUpTime.
	warmUp     = 250
	warmUpTime = time.Second
	// patience is far above what an event of a batch takes, whatever the machine
	// does: TCP tries a lost packet again after 1, 3 and 7 s.
	patience = 10 * time.Second
)

// Round is two brokers that are up side by side, and get batches of events
// alternately.
type Round struct {
	// Name is shown while it is made.
	Name string
	// Old and New are the labels of the brokers, which may be the same.
	Old, New string
	// Cell is what is measured. Its Broker doesn't matter, and its Events
	// neither: batches have as many as the speed of the old broker lets be.
	Cell matrix.Cell
	// Long is how many events each broker gets in all at least: a broker may
	// fail only after more than the pairs have.
	Long int
	// NewFirst starts the new broker first, warms it up first, and sends it the
	// first batch. Where one place is better than the other, brokers that take
	// turns in them from round to round have the same of it.
	NewFirst bool
}

// order returns the sides in the order in which they have their turns.
func (r Round) order() [2]int {
	if r.NewFirst {
		return [2]int{1, 0}
	}
	return [2]int{0, 1}
}

// RoundResult is what came of a round.
type RoundResult struct {
	// Events is how many a batch had.
	Events int
	Pairs  []paired.Pair
	// Neighbours is what others did with the machine meanwhile.
	Neighbours Neighbours
	// Runs are the records of both experiments, the old broker's first.
	Runs [2]*results.Run
}

// SideError is the error of a round that one of the brokers ended.
type SideError struct {
	Side int // 0 is the old broker
	err  error
}

func (e *SideError) Error() string { return e.err.Error() }
func (e *SideError) Unwrap() error { return e.err }

// Round makes a round. An error means that it is void. If it was a broker's
// fault it holds a [SideError], or one of each.
func (s *Series) Round(ctx context.Context, r Round) (_ *RoundResult, err error) {
	defer s.line.Show(func() (head, tail string) { return r.Name, "" })()
	var sides [2]*Experiment
	order, last := r.order(), s.removing
	defer func() {
		// The next round starts meanwhile. Nothing is measured until this is done.
		s.removing = begin(func() error {
			removed := each(order, func(side int) error {
				if sides[side] == nil {
					return nil
				}
				return sides[side].Close(ctx)
			})
			return errors.Join(last.wait(), removed)
		})
	}()
	for _, side := range order {
		cell, label := r.Cell, [2]string{r.Old, r.New}[side]
		cell.Broker = label
		if sides[side], err = New(ctx, s.config, s.subjects[label], cell, ""); err != nil {
			return nil, err
		}
	}
	starting, cancel := context.WithTimeoutCause(ctx, readyDeadline, fmt.Errorf("not ready after %v", readyDeadline))
	defer cancel()
	begun, ready := time.Now(), [2]time.Duration{}
	err = each(order, func(side int) error {
		defer func() { ready[side] = time.Since(begun) }()
		return sides[side].Begin(starting)
	})
	removed := last.wait()
	last = nil
	if removed != nil {
		return nil, fmt.Errorf("remove what the last round started: %w", removed)
	}
	if err != nil {
		return nil, blame(err, ready)
	}
	for _, x := range sides {
		x.stay()
	}
	p := &pairing{sides: sides, load: Load{Conns: r.Cell.Conns, Patience: patience}}
	if err := p.run(ctx, r); err != nil {
		return nil, err
	}
	if err := each(order, func(side int) error { return sides[side].End(ctx) }); err != nil {
		return nil, err
	}
	if err := each(order, func(side int) error { return p.deliveries(ctx, side) }); err != nil {
		return nil, err
	}
	if err := p.disturbed(); err != nil {
		return nil, err
	}
	result := &RoundResult{Events: p.load.Events, Pairs: p.pairs, Neighbours: p.neighbours()}
	for side, x := range sides {
		x.run.Cell.Events = p.load.Events
		x.run.Author = results.Author{Sent: x.sent, Acked: x.acked}
		result.Runs[side] = &x.run
	}
	return result, nil
}

// blame returns the error of brokers that aren't ready. It is no broker's fault
// where both took long: which of them is late on such a machine is chance.
func blame(err error, ready [2]time.Duration) error {
	if min(ready[0], ready[1]) > readyDeadline/3 {
		return fmt.Errorf("the machine is too slow: the brokers took %v and %v to start: %v",
			ready[0].Round(time.Second), ready[1].Round(time.Second), err)
	}
	return err
}

// task is something under way.
type task struct {
	done chan struct{} // closed when err is set
	err  error
}

func begin(do func() error) *task {
	t := &task{done: make(chan struct{})}
	go func() {
		defer close(t.done)
		t.err = do()
	}()
	return t
}

// wait waits for the task's end. That of none is now.
func (t *task) wait() error {
	if t == nil {
		return nil
	}
	<-t.done
	return t.err
}

// each does something for both sides at once, and says whose error it was.
func each(order [2]int, do func(side int) error) error {
	var errs [2]error
	var wg sync.WaitGroup
	for _, side := range order {
		wg.Go(func() {
			if err := do(side); err != nil {
				errs[side] = &SideError{side, err}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs[:]...)
}

// pairing is the batches of a round.
type pairing struct {
	sides   [2]*Experiment
	load    Load // of a batch
	most    int  // pairs
	pairs   []paired.Pair
	batches [2][]int // how many events were acked in each batch, also in those that aren't in pairs
	first   [2]int   // the first batch that is in a pair

	used     results.Usage // in all batches, but for what subscribers used
	capacity time.Duration // of all processors in all batches
	dropped  [2]uint64     // connection attempts that found a listen queue full
}

func (p *pairing) run(ctx context.Context, r Round) error {
	order := r.order()
	if err := p.warm(ctx, r.Cell, order); err != nil {
		return err
	}
	for side := range p.sides {
		p.first[side] = len(p.batches[side])
	}
	begun := time.Now()
	for i := range p.most {
		if i >= minPairs && time.Since(begun) > roundTime {
			break
		}
		var batches [2]paired.Batch
		for turn := range 2 {
			side := order[(i+turn)%2] // old and new, new and old
			b, err := p.send(ctx, side, p.load)
			if err != nil {
				return err
			}
			batches[side] = paired.Batch{paired.Time: b.Author.Elapsed, paired.Work: b.BrokerCPU}
		}
		p.pairs = append(p.pairs, paired.Pair{Old: batches[0], New: batches[1]})
	}
	for _, side := range order {
		if more := r.Long - p.sides[side].sent; more > 0 {
			load := p.load
			load.Events = more
			if _, err := p.send(ctx, side, load); err != nil {
				return err
			}
		}
	}
	return nil
}

// warm lets both brokers work before the first pair, and chooses the batches. A
// busy machine makes a warm-up slow; batches have as many events nevertheless.
func (p *pairing) warm(ctx context.Context, cell matrix.Cell, order [2]int) error {
	load, least := p.load, warmUp
	load.Events = warmUp
	if cell.Latency > 0 {
		rate := cell.TheoreticalRate(cell.Latency, 0)
		load.Events = min(warmUp, int(rate*warmUpTime.Seconds()))
		least = min(warmUp, int(rate*batchTime.Seconds()))
	}
	load.Events = max(load.Events, cell.Conns)
	p.most = roundPairs
	for _, side := range order {
		b, err := p.send(ctx, side, load)
		if err != nil {
			return err
		}
		if side == 0 {
			rate := float64(b.Author.Acked) / b.Author.Elapsed.Seconds()
			p.load.Events = max(eventsPerConn*cell.Conns, least, int(rate*batchTime.Seconds()))
			if cell.Latency > 0 && rate >= paired.BoundShare*cell.TheoreticalRate(cell.Latency, 0) {
				p.most = boundPairs
			}
		}
	}
	return nil
}

func (p *pairing) send(ctx context.Context, side int, load Load) (*Batch, error) {
	b, err := p.sides[side].Send(ctx, load)
	if err != nil {
		return nil, &SideError{side, err}
	}
	p.batches[side] = append(p.batches[side], b.Author.Acked)
	p.note(b.Usage)
	p.dropped[side] += b.Usage.ListenDrops
	return b, nil
}

// deliveries adds to the pairs the time from the first to the last event of each
// batch that the subscriber got. A batch begins when the broker has nothing more
// to do for the one before, so that the subscriber's times, in their order, are
// those of the batches in theirs. Where events are missing nobody knows which
// ones, and the batches have no such time.
func (p *pairing) deliveries(ctx context.Context, side int) error {
	x := p.sides[side]
	if x.subscriber == nil || x.run.Subscriber.Entries != x.acked {
		return nil
	}
	times, err := received(ctx, x.folder(testbed.Subscriber))
	if err != nil {
		return err
	}
	for i, acked := range p.batches[side] {
		batch := times[:acked]
		times = times[acked:]
		pair := i - p.first[side]
		if pair < 0 || pair >= len(p.pairs) || acked == 0 {
			continue
		}
		of := [2]paired.Batch{p.pairs[pair].Old, p.pairs[pair].New}[side]
		of[paired.Delivery] = batch[acked-1].Sub(batch[0])
	}
	return nil
}

// received returns the times in the measured database of a folder, in order.
func received(ctx context.Context, dir string) (times []time.Time, err error) {
	path, err := eventdb.PathOf(dir, author.DefaultFrom)
	if err != nil {
		return nil, err
	}
	db, err := eventdb.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for e, err := range db.Entries(ctx) {
		if err != nil {
			return nil, err
		}
		t, err := e.Time()
		if err != nil {
			return nil, err
		}
		times = append(times, t)
	}
	slices.SortFunc(times, time.Time.Compare)
	return times, nil
}
