package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cometbench/matrix"
	"cometbench/results/capacity"
	"cometbench/results/journey"
	"cometbench/testbed"
)

const (
	// A batch has as many events as become due in trialTime, and at most trialEvents.
	trialTime   = 10 * time.Second
	trialEvents = 40_000
	// mostTrialLate is how late the author itself may be, as a share of the bound
	// of the 99th percentile.
	mostTrialLate = 0.01
	// The closed loop from which a search starts sends so many events over so many
	// connections, after a warm-up.
	closedEvents = 3000
	closedConns  = 64
	delayedConns = 512 // with latency
)

// Capacity is a search for the highest rate that a broker keeps up with.
type Capacity struct {
	// Name is the broker's.
	Name    string
	Latency time.Duration
	// Bound is what the 99th percentile of the delivery latencies mustn't exceed.
	Bound time.Duration
	// Budget is the time after which no more trials are begun.
	Budget time.Duration
}

// Capacity searches. All trials are made with one broker, which is started once.
func (s *Series) Capacity(ctx context.Context, c Capacity) (_ *capacity.Result, err error) {
	begun := time.Now()
	sub := s.Subject(c.Name)
	r := &capacity.Result{Broker: sub.Label, Latency: c.Latency, Bound: c.Bound}
	status := "starting " + sub.Label
	defer s.line.Show(func() (head, tail string) { return status, "" })()
	x, err := New(ctx, s.config, sub, matrix.Cell{
		Broker: sub.Label, Latency: c.Latency, Conns: matrix.OpenConns, Events: matrix.MaxEvents,
	}, "")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.Close(ctx)) }()
	if err := x.Begin(ctx); err != nil {
		return nil, err
	}
	if r.Closed, err = x.closedRate(ctx); err != nil {
		return nil, err
	}
	search := capacity.Search{Start: r.Closed}
	for longest := time.Duration(0); ; {
		rate, ok := search.Next()
		if !ok {
			break
		}
		if r.Ended = time.Since(begun)+longest > c.Budget; r.Ended {
			break
		}
		before := time.Now()
		trial, err := x.trial(ctx, rate, c.Bound)
		if err != nil {
			return nil, err
		}
		r.Trials = append(r.Trials, trial)
		search.Note(rate, trial.Verdict)
		longest = max(longest, time.Since(before))
	}
	r.Lo, r.Hi = search.Interval()
	if err := x.End(ctx); err != nil {
		return nil, err
	}
	r.Took, r.Warnings, r.Pinned = time.Since(begun), x.run.Warnings, x.run.Pinned
	return r, nil
}

// trial sends batches of a rate until it can be told whether the broker keeps up.
func (x *Experiment) trial(ctx context.Context, rate float64, bound time.Duration) (*capacity.Trial, error) {
	t := &capacity.Trial{Rate: rate, Bound: bound}
	load := Load{
		Conns: matrix.OpenConns, Events: max(1, min(trialEvents, int(rate*trialTime.Seconds()))),
		Pace: matrix.Pace{Rate: rate},
	}
	for {
		batch, j, err := x.follow(ctx, load)
		if err != nil {
			return nil, fmt.Errorf("at %g events/s: %w", rate, err)
		}
		t.Warnings = append(t.Warnings, batch.Warnings...)
		b := capacity.Batch{Late: batch.OpenLoop.ScheduleP99 > time.Duration(mostTrialLate*float64(bound))}
		b.Due, b.Delivered = reached(j, journey.Delivery)
		b.Lost = len(j.Events) - len(b.Due)
		if t.Add(b) != capacity.Open {
			return t, nil
		}
	}
}

// closedRate returns the rate of a closed loop: that of the author or of the
// subscriber, whichever is less.
func (x *Experiment) closedRate(ctx context.Context) (float64, error) {
	load := Load{Conns: closedConns, Events: closedEvents}
	if x.cell.Latency > 0 {
		load.Conns = delayedConns
	}
	var rate float64
	for range 2 { // the first is the warm-up
		batch, j, err := x.follow(ctx, load)
		if err != nil {
			return 0, fmt.Errorf("as fast as it can: %w", err)
		}
		took := batch.Author.Elapsed
		_, there := reached(j, journey.Delivery)
		for _, at := range there {
			took = max(took, at)
		}
		rate = float64(len(there)) / took.Seconds()
	}
	if rate == 0 {
		return 0, errors.New("no event reached the subscriber")
	}
	return rate, nil
}

// follow sends a batch, waits for the subscriber, and returns what became of
// each event. Events that haven't arrived are lost, and nothing waits for them any
// more.
func (x *Experiment) follow(ctx context.Context, l Load) (*Batch, *journey.Journeys, error) {
	batch, err := x.Send(ctx, l)
	if err != nil {
		return nil, nil, err
	}
	var j *journey.Journeys
	err = x.take(ctx, step{"wait for the subscriber", collectDeadline, func(ctx context.Context) error {
		if err := x.await(ctx); err != nil {
			return err
		}
		x.acked = min(x.acked, x.run.Subscriber.Entries)
		if err := refresh(ctx, x.author, x.folder(testbed.Author)); err != nil {
			return err
		}
		if x.report.ClockStep != 0 {
			return fmt.Errorf("the clock was set by %v meanwhile", x.report.ClockStep)
		}
		j, err = x.journeys(ctx)
		return err
	}})
	return batch, j, err
}
