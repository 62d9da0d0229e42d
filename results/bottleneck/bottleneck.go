// Package bottleneck tells, in words, what limited a run: from what its roles and
// the machine used, and from what was counted. docs/bottleneck.md has the rules in
// words, and what came of them where the bottleneck was known.
package bottleneck

import (
	"fmt"
	"math"
	"time"

	"cometbench/results"
)

// The limits of the rules. They were set before the runs of docs/bottleneck.md
// were judged.
const (
	// full is the share of its time from which on a processor, or a connection, has
	// no room for more.
	full = 0.9
	// free is the share up to which something certainly isn't the limit.
	free = 0.6
	// taken is the share of the time from which on something decides that takes it
	// away: a limit of the processor, a hypervisor.
	taken = 0.1
	// late is how much longer than the author the subscriber takes if it lags, and
	// lag the least of it.
	late = 1.25
	lag  = 250 * time.Millisecond
	// retried is the share of the time of connections, or of the whole run, that
	// TCP's retries take if they decide. The first comes after retry, later ones
	// after longer; that of data after dataRetry at the earliest.
	retried   = 0.25
	retry     = time.Second
	dataRetry = 200 * time.Millisecond
	// short is a measured phase in which ticks of 10 ms are too coarse.
	short = 200 * time.Millisecond
	// unexplained is the least time of an event that neither latency nor work
	// explains, if the broker is said to wait: scheduling takes some of it, too.
	unexplained = time.Millisecond
)

// shares are what a run is judged by. They are fractions of a time.
type shares struct {
	run *results.Run
	// window is the time until the subscriber had the last event.
	window time.Duration
	// broker and author are how much each used of the processors that it can use.
	broker, author float64
	// brokerCPU is the broker's in processors.
	brokerCPU float64
	latency   float64 // of a connection's time
	idle      float64 // of all processors of the broker's machine
	steal     float64
	retries   float64 // of connections' time, or of the whole
	// authorIdle and authorSteal are of those of the author's machine.
	authorIdle, authorSteal float64
	// brokerWants and authorWants are how much each used and waited for. They count
	// the threads that wait, also of those that wait for each other's processor.
	brokerWants, authorWants float64
	// gap is the time of an event that neither latency nor work explains.
	gap, event time.Duration
}

// over returns d as a fraction of the whole, 1 at most.
func over(d, whole time.Duration) float64 {
	if whole <= 0 {
		return 0
	}
	return min(1, d.Seconds()/whole.Seconds())
}

func idleAndSteal(m results.MachineUsage) (idle, steal float64) {
	all := time.Duration(m.Cores) * m.Elapsed
	return over(m.Idle, all), over(m.Steal, all)
}

func newShares(r *results.Run) shares {
	u, took := r.Usage, r.Author.Elapsed
	s := shares{run: r, window: took}
	if !r.Broker.First.IsZero() {
		s.window = max(took, r.Broker.Elapsed(), r.Subscriber.Last.Sub(r.Broker.First))
	}
	s.brokerCPU = u.Broker.CPU.Seconds() / s.window.Seconds()
	brokers := processors(u.Broker, u.Machine)
	if r.Software.Python != "" {
		brokers = 1 // of its threads, the interpreter's lock lets one run at a time
	}
	s.broker = max(s.brokerCPU/brokers, over(u.Broker.Ran, s.window))
	s.brokerWants = wants(u.Broker, s.window, brokers)
	authors := min(processors(u.Author, u.OfAuthor()), float64(r.Cell.Conns))
	s.author = max(u.Author.CPU.Seconds()/took.Seconds()/authors, over(u.Author.Ran, took))
	s.authorWants = wants(u.Author, took, authors)

	// Events that don't divide among the connections leave some idle at the end.
	rounds := math.Ceil(float64(r.Author.Sent) / float64(r.Cell.Conns))
	delayed := time.Duration(r.Cell.RoundTrips()) * r.RTT // of an event
	s.latency = rounds * delayed.Seconds() / took.Seconds()
	s.event = time.Duration(took.Seconds() / rounds * float64(time.Second))
	work := (u.Broker.CPU + u.Broker.Waited + u.Author.CPU + u.Author.Waited) / time.Duration(r.Author.Sent)
	s.gap = max(0, s.event-delayed-work)

	s.idle, s.steal = idleAndSteal(u.Machine)
	s.authorIdle, s.authorSteal = idleAndSteal(u.OfAuthor())
	if u.ListenDrops > 0 {
		connections := time.Duration(r.Cell.Conns) * took
		s.retries = over(time.Duration(u.ListenDrops)*retry, connections)
		if j := r.Journeys; j != nil && j.Ack != nil && j.Ack.Max >= retry {
			s.retries = max(s.retries, over(j.Ack.Max, took))
		}
	}
	return s
}

// wants returns how much of so many processors a role used, or waited for.
func wants(u results.RoleUsage, window time.Duration, processors float64) float64 {
	return (u.CPU + u.Waited).Seconds() / window.Seconds() / processors
}

// processors returns how many processors a role can use.
func processors(u results.RoleUsage, m results.MachineUsage) float64 {
	n := m.Cores
	if u.Processors > 0 {
		n = min(n, u.Processors)
	}
	return float64(max(1, n))
}

// Of returns what limited a run. It depends on nothing but the record.
func Of(r *results.Run) results.Bottleneck {
	u := r.Usage
	switch {
	case u.Machine.Cores == 0 || u.Broker.CPU == 0:
		return say(results.CantTell, "what broker and machine used isn't known")
	case r.Author.Elapsed < short || r.Author.Sent < 1 || r.Cell.Conns < 1:
		return say(results.CantTell, "%v is too short", r.Author.Elapsed.Round(time.Millisecond))
	}
	s := newShares(r)
	if o := r.OpenLoop; o != nil && o.KeepsUp() {
		return say(results.BoundByRate, "the broker kept up, and used %.2f of a processor", s.brokerCPU)
	}
	if s.lags() {
		return s.lagging()
	}
	cores, authorCores := float64(u.Machine.Cores), float64(u.OfAuthor().Cores)
	brokerStopped, authorStopped := over(u.Broker.Throttled, s.window), over(u.Author.Throttled, r.Author.Elapsed)
	switch {
	case s.latency >= full:
		return say(results.BoundByLatency, "it takes %.2f of each connection's time", s.latency)
	case brokerStopped >= taken && authorStopped >= taken:
		return say(results.MachineSaturated, "a limit of the processor kept broker and author from running, for %.2f "+
			"and %.2f of the time", brokerStopped, authorStopped)
	case brokerStopped >= taken:
		return say(results.BrokerLimited, "a limit of the processor kept it from running for %.2f of the time; it got "+
			"%.2f of one", brokerStopped, s.brokerCPU)
	case authorStopped >= taken:
		return say(results.AuthorBound, "a limit of the processor kept it from running for %.2f of the time: the "+
			"figure is a lower bound", authorStopped)
	case s.steal >= taken:
		return say(results.MachineSaturated, "the hypervisor took %.2f of %g processors", s.steal*cores, cores)
	case s.authorSteal >= taken:
		return say(results.MachineSaturated, "the hypervisor took %.2f of %g processors of the author's",
			s.authorSteal*authorCores, authorCores)
	case s.broker >= full:
		return say(results.BrokerBound, "%.2f of %s", s.brokerCPU, s.ofProcessors())
	case s.author >= full:
		return say(results.AuthorBound, "%.2f of the processors that it may use: the figure is a lower bound", s.author)
	case r.Cell.Conns == 1 && s.gap < unexplained:
		return say(results.BoundByConnection, "an event takes %v on its way through author and broker, one after "+
			"another", s.event.Round(time.Microsecond))
	case s.brokerWants >= full:
		return say(results.MachineSaturated, "the broker got %.2f of a processor, and wanted more; %.2f of %g were "+
			"idle", s.brokerCPU, s.idle*cores, cores)
	case s.authorWants >= full:
		return say(results.MachineSaturated, "the author got %.2f of the processors that it may use, and wanted more; "+
			"%.2f of %g were idle", s.author, s.authorIdle*authorCores, authorCores)
	case s.retries >= retried:
		return results.QueueOverflowed + results.Bottleneck(fmt.Sprintf(" %s: TCP's retries decide",
			times(u.ListenDrops)))
	case s.latency >= 1-full && s.latency+s.broker >= full:
		return say(results.BoundByBoth, "%.2f of each connection's time, and %.2f of its processor", s.latency,
			s.broker)
	case s.waits():
		return say(results.BrokerWaits, "neither its processor (%.2f) nor latency (%.2f) limits it: a disk, a lock, a "+
			"timer?", s.broker, s.latency)
	}
	return say(results.CantTell, "the broker used %.2f of its processor, latency %.2f of each connection's time, the "+
		"author %.2f of its processors; %.2f of all were idle", s.broker, s.latency, s.author, s.idle)
}

// say writes a bottleneck of a kind.
func say(kind results.Bottleneck, format string, args ...any) results.Bottleneck {
	return kind + results.Bottleneck(": "+fmt.Sprintf(format, args...))
}

// times writes how often something happened.
func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// lags reports whether events reached the subscriber much later than the broker.
// What limits the delivery limits the whole.
func (s shares) lags() bool {
	took := s.run.Author.Elapsed
	return s.run.Subscriber.Entries > 1 && s.window.Seconds() >= late*took.Seconds() && s.window-took >= lag
}

// lagging returns what limits a run in which the subscriber lags.
func (s shares) lagging() results.Bottleneck {
	u, took := s.run.Usage.Subscriber, s.run.Author.Elapsed
	delivered := fmt.Sprintf("it took %v for what the author sent in %v", s.window.Round(10*time.Millisecond),
		took.Round(10*time.Millisecond))
	used := u.CPU.Seconds() / s.window.Seconds()
	stopped := over(u.Throttled, s.window)
	switch {
	case stopped >= taken:
		return say(results.SubscriberBound, "%s; a limit of the processor kept it from running for %.2f of the time",
			delivered, stopped)
	case used >= full || over(u.Ran, s.window) >= full:
		return say(results.SubscriberBound, "%s; it used %.2f of a processor", delivered, used)
	case s.broker >= full:
		return say(results.BrokerBound, "%.2f of %s, also after its last ack", s.brokerCPU, s.ofProcessors())
	case wants(u, s.window, 1) >= full:
		return say(results.MachineSaturated, "the subscriber got %.2f of a processor, and wanted more", used)
	case s.run.Usage.Unread > 0:
		return say(results.SubscriberBound, "%s; %d bytes waited for it when the author had done", delivered,
			s.run.Usage.Unread)
	}
	return say(results.CantTell, "the subscriber is late (%s), used %.2f of a processor, and the broker %.2f",
		delivered, used, s.brokerCPU)
}

// waits reports whether the broker waits for something that isn't measured:
// nothing else explains where the time of an event goes.
func (s shares) waits() bool {
	r := s.run
	lost := over(time.Duration(r.Usage.Retransmits)*dataRetry, time.Duration(r.Cell.Conns)*r.Author.Elapsed)
	// Threads that use one processor together may have a lock that lets one run at a
	// time, and be as busy as they can be.
	return s.brokerWants <= free && s.brokerCPU <= free && s.latency <= free && s.authorWants <= free &&
		lost <= taken && s.retries <= taken && s.gap >= unexplained && s.gap >= s.event/2
}

// ofProcessors names the processors that the broker uses up: all that it can use, or
// one.
func (s shares) ofProcessors() string {
	n := processors(s.run.Usage.Broker, s.run.Usage.Machine)
	if n == 1 || s.run.Software.Python != "" || s.brokerCPU < full*n {
		return "a processor"
	}
	return fmt.Sprintf("%g processors", n)
}
