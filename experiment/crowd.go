package experiment

import (
	"fmt"
	"time"

	"cometbench/results"
)

// leastIdle is the share of the processors' time that must have been idle while a
// run was measured beside others. By prediction a schedule leaves more: what it
// lets set up in the other two thirds doesn't last as long as a run.
const leastIdle = 1. / 4

// lateness bounds how late packets may have left in the mean, in a run beside
// others, as a part of the latency: events take two packets' latency and little
// else, so that the rate is too low by about as much. Below leastLateness it is
// the delay's own.
const (
	lateness      = 1. / 200
	leastLateness = 100 * time.Microsecond
)

// crowd keeps count of the runs that are side by side.
type crowd struct {
	now     func() time.Time
	members map[*member]bool
}

// member is a run that is side by side with others.
type member struct {
	measuring bool
	begun     time.Time     // of the measured phase
	since     time.Time     // of the number of members as it is
	others    time.Duration // that others were there, together
	beside    results.Beside
}

// change brings the members up to date, and then adds one or takes one away.
func (c *crowd) change(change func()) {
	c.count()
	change()
	c.count()
}

// count notes how many members there are, until now.
func (c *crowd) count() {
	now, others := c.now(), len(c.members)-1
	for m := range c.members {
		if m.measuring {
			m.others += time.Duration(others) * now.Sub(m.since)
			m.since, m.beside.Most = now, max(m.beside.Most, others)
		}
	}
}

// enter adds a run.
func (c *crowd) enter() *member {
	m := new(member)
	c.change(func() { c.members[m] = true })
	return m
}

// leave takes a run away.
func (c *crowd) leave(m *member) { c.change(func() { delete(c.members, m) }) }

// begin notes that the measured phase of a run begins. An earlier one doesn't
// count.
func (c *crowd) begin(m *member) {
	*m = member{measuring: true, begun: c.now(), since: c.now()}
	c.count()
}

// finish notes that the measured phase of a run is over.
func (c *crowd) finish(m *member) {
	c.count()
	m.measuring = false
	if took := m.since.Sub(m.begun); took > 0 {
		m.beside.Mean = m.others.Seconds() / took.Seconds()
	}
}

// judgeBeside holds a run that was made beside others against the bounds of what
// others may have cost it. It looks at the machine and at the delay, and not at the
// rate: a rule that did would choose its figures.
func judgeBeside(run *results.Run) error {
	others := run.Beside.Most
	if spare := run.Usage.Machine.Spare(); spare < leastIdle {
		return fmt.Errorf("the machine was too busy for runs side by side (%d others): its processors were idle "+
			"for %.0f %% of the time, want %.0f %%", others, 100*spare, 100*leastIdle)
	}
	most := max(leastLateness, time.Duration(lateness*float64(run.Cell.Latency)))
	if run.Lateness > most {
		return fmt.Errorf("packets left %v later than asked for, in the mean, want %v at most beside others (%d)",
			run.Lateness.Round(time.Microsecond), most, others)
	}
	return nil
}
