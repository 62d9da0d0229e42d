package experiment

import (
	"fmt"
	"strconv"
	"time"

	"cometbench/internal/agent"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/backlog"
	"cometbench/results/journey"
	"cometbench/results/stat"
)

// Limits of the author's own lateness in an open loop. Beyond the larger one the run
// is void, since its latencies are the author's as well.
const (
	mostLate      = time.Millisecond
	mostLateShare = 0.01 // of the mean time between two events
)

// paceFlags are those of the author's command.
func paceFlags(p matrix.Pace) []string {
	if p.Rate == 0 {
		return nil
	}
	return []string{"-rate", matrix.FormatRate(p.Rate), "-poisson=" + strconv.FormatBool(p.Poisson)}
}

// newOpenLoop returns what an author says of a batch of an open loop, nil in a
// closed loop.
func newOpenLoop(p matrix.Pace, report agent.AuthorReport) *results.OpenLoop {
	if p.Rate == 0 {
		return nil
	}
	return &results.OpenLoop{
		Offered: report.Offered, Achieved: report.Achieved, ScheduleP99: report.ScheduleP99, Waited: report.Waited,
	}
}

// checkSchedule returns an error if the author itself was too late.
func checkSchedule(o *results.OpenLoop, p matrix.Pace) error {
	interval := p.Time(1)
	limit := max(mostLate, time.Duration(mostLateShare*float64(interval)))
	if o == nil || o.ScheduleP99 <= limit {
		return nil
	}
	return fmt.Errorf("the author itself was late: 1 %% of the events began %v or more after they were due, want %v "+
		"at most: this machine is too busy, or too slow for %s events/s", o.ScheduleP99.Round(time.Microsecond), limit,
		matrix.FormatRate(p.Rate))
}

// keepUp says whether the broker kept up with an open loop. Where it isn't known
// when events were delivered, acks tell.
func (x *Experiment) keepUp(j *journey.Journeys) {
	o := x.run.OpenLoop
	if o == nil {
		return
	}
	stage, by := journey.Delivery, ""
	if x.run.Journeys.Delivery == nil {
		stage, by = journey.Ack, " (by its acks: it isn't known when events were delivered)"
	}
	trend := backlog.New(reached(j, stage))
	o.Backlog = &trend
	o.Verdict = trend.Words(x.cell.Rate) + by
	if trend.Verdict != backlog.KeepsUp {
		x.warn("the broker %s", o.Verdict)
	}
	if o.Waited > 0 {
		x.warn("%s events had to wait for one of %d connections: more (-conns) show what the broker does by itself",
			stat.FormatCount(float64(o.Waited)), x.cell.Conns)
	}
}

// reached returns when the events that reached a stage became due and when they
// were there, since the author's clock started.
func reached(j *journey.Journeys, s journey.Stage) (due, there []time.Duration) {
	for i := range j.Events {
		if at, ok := j.Events[i].At(s); ok {
			due, there = append(due, j.Events[i].Start), append(there, at)
		}
	}
	return due, there
}
