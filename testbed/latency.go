package testbed

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"cometbench/netem"
)

// Round trips measured before the author starts, and again after it: a delay
// that fell away meanwhile makes the run void. What the machine does besides
// may disturb a measurement, so it is repeated; only one that fits counts.
const (
	roundTripsBefore = 25
	roundTripsAfter  = 11
	attempts         = 3
)

// addLatency delays what the author sends, and measures the round trip through
// the very path before it is believed.
func (x *experiment) addLatency(ctx context.Context) error {
	latency := x.plan.cell.Latency
	if latency == 0 {
		return nil
	}
	var err error
	if x.run.BaseRTT, err = x.roundTrip(ctx, roundTripsBefore); err != nil {
		return err
	}
	if x.run.Netem, err = x.site.delay(ctx, latency); err != nil {
		return err
	}
	x.run.RTT, err = x.delayedRoundTrip(ctx, roundTripsBefore)
	return err
}

// checkLatency measures the round trip again after the run, takes the delay
// away, and asks it what it dropped.
func (x *experiment) checkLatency(ctx context.Context) error {
	latency := x.plan.cell.Latency
	if latency == 0 {
		return nil
	}
	if _, err := x.delayedRoundTrip(ctx, roundTripsAfter); err != nil {
		return fmt.Errorf("after the run: %w", err)
	}
	drops, err := x.site.undelay(ctx)
	if err != nil {
		return err
	}
	if drops > 0 {
		return fmt.Errorf("the delay dropped %d packets", drops)
	}
	return nil
}

// delayedRoundTrip returns the median round trip, which must be what was asked
// for.
func (x *experiment) delayedRoundTrip(ctx context.Context, count int) (rtt time.Duration, err error) {
	for range attempts {
		if rtt, err = x.roundTrip(ctx, count); err != nil {
			return 0, err
		}
		if err = netem.CheckRTT(x.run.BaseRTT, rtt, x.plan.cell.Latency); err == nil {
			return rtt, nil
		}
	}
	return 0, err
}

// roundTrip returns the median of TCP handshakes with the broker's port.
func (x *experiment) roundTrip(ctx context.Context, count int) (time.Duration, error) {
	var measured struct {
		Median time.Duration `json:"median_ns"`
	}
	if err := x.commandJSON(ctx, &measured, "rtt", "-addr", x.site.brokerAddr(), "-count", strconv.Itoa(count)); err != nil {
		return 0, fmt.Errorf("measure the round trip: %w", err)
	}
	return measured.Median, nil
}
