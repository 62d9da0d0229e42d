package experiment

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cometbench/internal/agent"
	"cometbench/netem"
	"cometbench/testbed"
)

// Round trips measured before the author starts, and again after it: a delay
// that fell away meanwhile makes the run void. What the machine does besides,
// or its neighbours, may disturb a measurement for a second or two, so it is
// repeated, later and later; only one that fits counts.
const (
	roundTripsBefore = 25
	roundTripsAfter  = 11
	attempts         = 4
	attemptPause     = 500 * time.Millisecond
)

// addLatency delays what the author sends. Before, it measures the round trip
// without the delay, which between two machines is one without latency too.
func (x *Experiment) addLatency(ctx context.Context) error {
	latency := x.cell.Latency
	if latency == 0 && !x.apart() {
		return nil
	}
	var err error
	// What the machine does besides makes a round trip longer, never shorter.
	if x.run.BaseRTT, err = x.roundTrip(ctx, roundTripsBefore, 3); err != nil {
		return err
	}
	if x.run.BaseRTT > farthest {
		return fmt.Errorf("the round trip between author and broker is %v: want %v at most", x.run.BaseRTT, farthest)
	}
	if x.apart() {
		if err := x.readClock(ctx); err != nil {
			return err
		}
	}
	if latency == 0 {
		x.run.RTT = x.run.BaseRTT
		return nil
	}
	x.delay, err = x.backend.Start(ctx, testbed.Role{
		Name: "delay", Beside: x.author, Delays: true,
		Command: []string{
			"delay", "-interface", x.author.Address().Interface, "-latency", latency.String(),
			"-netem", string(x.config.Netem),
		},
	})
	if err != nil {
		return err
	}
	ready, err := told[netem.Ready](ctx, "delay", x.delay)
	if err != nil {
		return err
	}
	if ready.Unsupported != nil {
		return ready.Unsupported
	}
	if !ready.Ready {
		return fmt.Errorf("delay printed %+v, which doesn't say that it is ready", ready)
	}
	x.run.Netem = string(ready.Kind)
	return nil
}

// proveBefore measures the round trip through the very path before the delay is
// believed.
func (x *Experiment) proveBefore(ctx context.Context) (err error) {
	if x.delay == nil {
		return nil
	}
	x.run.RTT, err = x.delayedRoundTrip(ctx, roundTripsBefore)
	return err
}

// proveAfter measures the round trip again after the author has ended, takes the
// delay away, and asks it what it dropped.
func (x *Experiment) proveAfter(ctx context.Context) error {
	if x.delay == nil {
		return x.checkDistance(ctx)
	}
	if _, err := x.delayedRoundTrip(ctx, roundTripsAfter); err != nil {
		return fmt.Errorf("after the run: %w", err)
	}
	if err := x.delay.Stop(ctx); err != nil {
		return err
	}
	stats, err := told[netem.Stats](ctx, "delay", x.delay)
	if err != nil {
		return err
	}
	if err := x.judgeDelay(stats); err != nil {
		return err
	}
	return x.checkDistance(ctx)
}

// judgeFastest holds the fastest event against what none can be faster than,
// however little the machine has to do: the delayed ways of its first packet,
// unless its connection was kept open, and of its contents. Round trips are only
// measured before and after.
func judgeFastest(took, latency time.Duration, ways int) error {
	if took < time.Duration(ways)*latency-latency/100 {
		return fmt.Errorf("an event was acked after %v, which is less than %d times %v: the delay wasn't in force all "+
			"the time", took, ways, latency)
	}
	return nil
}

// packetRoom is how many bytes of an event one packet has on an Ethernet.
const packetRoom = 1448

// judgeDelay holds what the delay says of itself against what was asked for.
// The round trips were measured while nothing else was to do; how exact the
// delay was under load, it counts itself (in user space: the kernel doesn't).
func (x *Experiment) judgeDelay(stats netem.Stats) error {
	if stats.Drops > 0 {
		return fmt.Errorf("the delay dropped %d packets", stats.Drops)
	}
	if stats.ClockSteps > 0 {
		return errors.New("the wall clock was set while packets were held by it: they left at the wrong time")
	}
	x.run.Usage.Delay = stats.CPU
	x.run.Lateness, x.run.LatenessP99 = stats.Lateness.Mean(), stats.Lateness.Quantile(0.99)
	if late := x.run.Lateness; late > netem.Tolerance(x.cell.Latency) {
		why := "the machine was too busy"
		if p := x.run.Payload; p != nil && p.Largest > packetRoom {
			why = fmt.Sprintf("in user space each packet is copied, and events of up to %d bytes take many", p.Largest)
		}
		x.warn("packets were held for %v longer than asked for, in the mean: %s", late.Round(time.Microsecond), why)
	}
	return nil
}

// delayedRoundTrip returns the median round trip, which must be what was asked
// for. Attempts that failed before one that fits are a warning on the run.
func (x *Experiment) delayedRoundTrip(ctx context.Context, count int) (rtt time.Duration, err error) {
	var failed error
	for attempt := range attempts {
		if err := pause(ctx, time.Duration(attempt)*attemptPause); err != nil {
			return 0, err
		}
		if rtt, err = x.roundTrip(ctx, count, 1); err != nil {
			return 0, err
		}
		if err = netem.CheckRTT(x.run.BaseRTT, rtt, x.cell.Latency); err != nil {
			failed = err
			continue
		}
		if failed != nil {
			x.warn("the delay was proved only by attempt %d of %d: before it, %v", attempt+1, attempts, failed)
		}
		return rtt, nil
	}
	return 0, err
}

// roundTrip returns the median of TCP handshakes with the broker's port, measured
// so many times: the least of the medians.
func (x *Experiment) roundTrip(ctx context.Context, count, times int) (time.Duration, error) {
	measured, err := ask[agent.RoundTrips](ctx, x.author, nil, "rtt", "-addr", x.receive, "-count", strconv.Itoa(count),
		"-times", strconv.Itoa(times))
	if err != nil {
		return 0, fmt.Errorf("measure the round trip: %w", err)
	}
	return measured.Median, nil
}
