package experiment

import (
	"context"
	"fmt"
	"net"
	"time"

	"cometbench/internal/agent"
	"cometbench/results"
	"cometbench/testbed"
)

// leastClockLimit is how wrong the offset of two clocks may be at most for a latency
// that is reckoned by it; where a round trip between them takes longer, it may be that.
// The times of Python 2 are as coarse.
const leastClockLimit = 10 * time.Millisecond

// clocks sets the author's clock beside the broker's, where these are on two
// machines.
type clocks struct {
	address string        // of what tells the time beside the broker
	read    []agent.Clock // before the run and after it
}

// startClock starts what tells the time beside the broker.
func (x *Experiment) startClock(ctx context.Context) error {
	teller, err := x.backend.Start(ctx, testbed.Role{
		Name: "clock", Beside: x.broker, Command: []string{"clock", "-listen", ":0"},
	})
	if err != nil {
		return err
	}
	at, err := told[agent.ClockAddress](ctx, "clock", teller)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(at.Address)
	if err != nil {
		return fmt.Errorf("the clock is at %+v: %w", at, err)
	}
	x.clocks.address = net.JoinHostPort(x.broker.Address().Host, port)
	return nil
}

// readClock sets the clocks beside each other now. Nothing may be delayed meanwhile.
func (x *Experiment) readClock(ctx context.Context) error {
	now, err := ask[agent.Clock](ctx, x.author, nil, "clock", "-ask", x.clocks.address)
	if err != nil {
		return fmt.Errorf("read the clock of the broker's machine: %w", err)
	}
	x.clocks.read = append(x.clocks.read, now)
	return nil
}

// between returns what is known of the offset meanwhile: a clock that is corrected,
// or runs fast, goes from one reading to the next.
func (c *clocks) between() *results.Clocks {
	if len(c.read) == 0 {
		return nil
	}
	from, to := c.read[0].Offset-c.read[0].Error, c.read[0].Offset+c.read[0].Error
	for _, r := range c.read[1:] {
		from, to = min(from, r.Offset-r.Error), max(to, r.Offset+r.Error)
	}
	return &results.Clocks{Offset: from + (to-from)/2, Error: (to - from + 1) / 2}
}

// clockDoubt says why the offset isn't known well enough for latencies, "" if it is.
func (x *Experiment) clockDoubt() string {
	c := x.run.Clocks
	if limit := max(leastClockLimit, x.run.BaseRTT); c != nil && c.Error > limit {
		return fmt.Sprintf("%s, want an error of %v at most", c, limit)
	}
	return ""
}

// resolution returns that of times of a database set beside the author's.
func (x *Experiment) resolution(d results.Database) time.Duration {
	if c := x.run.Clocks; c != nil {
		return max(d.Resolution, 2*c.Error)
	}
	return d.Resolution
}

// authorStarted returns when the author's clock started, by the broker's.
func (x *Experiment) authorStarted() time.Time {
	if c := x.run.Clocks; c != nil {
		return x.report.Started.Add(c.Offset)
	}
	return x.report.Started
}
