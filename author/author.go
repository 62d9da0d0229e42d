// Package author is the load: it sends VOEvents to a broker over at most so many
// simultaneous connections, one event per connection, as the VOEvent Transport
// Protocol prescribes: connect, send, wait for the ack, close.
//
// It does so as fast as it can, which is a closed loop: the next event waits for
// the broker. Or it keeps to a schedule whatever the broker does, which is an open
// loop.
//
// All events are made before the clock starts. Workers stand ready and are
// fired together; they share one budget of events, and keep what they measure
// to themselves until the end.
//
// Each event takes a port of this side. Where this side closes first, the port
// rests in TIME_WAIT for a minute, and once half of all ports do, the kernel
// searches through them at each connect. What prevents that: towards a loopback
// address the author connects from four addresses of its own; elsewhere the
// network namespace should have net.ipv4.tcp_tw_reuse = 1, as namespaces and
// containers of cometbench do. [Report.Warnings] has it when connects take long
// all the same.
package author

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// DefaultFrom is the author that events are sent as. Comet names the database
// of its events comet.broker_test (releases 1 and 2) or _test (since 3).
const DefaultFrom = "ivo://comet.broker/test"

// MaxRate bounds the rate of an open loop, in events per second: far above what one
// thread can begin.
const MaxRate = 100_000

// Config says what to send, and where.
type Config struct {
	// Addr is the broker's address, host:port.
	Addr string
	// Conns is the most connections that are open at a time.
	Conns int
	// Events is how many events are sent.
	Events int
	// Rate is that of an open loop, in events per second: each event is due at a
	// planned time, evenly spaced or, if Poisson is true, as independent events
	// arrive. An event that is due while all connections are busy waits for one.
	// In the closed loop, Rate is 0.
	Rate    float64
	Poisson bool
	// From is the author's IVOID, DefaultFrom if it is empty.
	From string
	// Payload are events that those to be sent are made of, in turn: of each the
	// IVOID and the date are replaced. None is the usual event of the benchmark.
	Payload []File
	// Size is how many bytes every event has, by a comment that is added; 0
	// leaves them as they are.
	Size int
	// KeepOpen sends one event after another over each connection, as long as the
	// broker leaves it open.
	KeepOpen bool
	// EventTimeout bounds one event, from connecting to its ack; 60 s by
	// default. Timeout bounds the whole; none by default.
	EventTimeout, Timeout time.Duration
	// Progress is called about once a second, from another goroutine, with
	// how many events are done; nil is fine.
	Progress func(done int)
}

// Outcome is how an event fared.
type Outcome uint8

const (
	// Unsent events were never begun.
	Unsent Outcome = iota
	// Acked events were acked by the broker.
	Acked
	// Nakked events were refused by the broker, in a nak.
	Nakked
	// WrongAnswer is an ack or a nak of another event, or one that came before
	// the event was sent.
	WrongAnswer
	// Refused events found nobody listening.
	Refused
	// Unreachable events found no way to the broker's address.
	Unreachable
	// Reset events lost their connection before an answer.
	Reset
	// TimedOut events had no answer in time.
	TimedOut
	// Other events failed in another way, such as an answer that is none.
	Other
)

// String names the outcome, as reports and files of times write it.
func (o Outcome) String() string {
	return [...]string{"unsent", "ack", "nak", "wrong answer", "refused", "unreachable", "reset", "timeout", "other"}[o]
}

// Result is what became of one event.
type Result struct {
	// Begun is when its connection was begun (or, where one was kept open, sending)
	// and Done when it was acked or
	// had failed, both since the clock started.
	Begun, Done time.Duration
	// Answered is when the broker's answer arrived at this machine, since the
	// clock started: before it was read, which is Done. It is Done where the
	// system doesn't tell, and where there was no answer.
	Answered time.Duration
	// Planned is when it was due, since the clock started; 0 in the closed loop.
	Planned time.Duration
	Outcome Outcome
	// Connected says that the connection stood: if not, the broker never saw any
	// of the event.
	Connected bool
	waited    bool // when it was due, all connections were busy
}

// Report is what an author did. Its JSON is what the author's process prints.
type Report struct {
	Started time.Time `json:"started"`
	// Elapsed is the author time: from the first connection attempt until
	// the last event was acked, nak'd or had failed.
	Elapsed time.Duration `json:"elapsed_ns"`
	Sent    int           `json:"sent"`
	Acked   int           `json:"acked"`
	// Failures counts the events that weren't acked, by outcome.
	Failures map[string]int `json:"failures,omitempty"`
	// Fastest is the shortest time that an acked event took, from the first
	// connection attempt to its ack.
	Fastest time.Duration `json:"fastest_ns"`
	// CPU is the CPU time that this process used meanwhile.
	CPU time.Duration `json:"cpu_ns"`
	// Connect is the CPU time that the kernel took for a connect, on average
	// over that tenth of the events in which it took longest; 0 where it isn't
	// measured.
	Connect time.Duration `json:"connect_ns,omitempty"`
	// Offered and Achieved are the rates of an open loop, in events per second:
	// from the first event that was due to the last, and from the first ack to the
	// last. Both are 0 in the closed loop.
	Offered  float64 `json:"offered,omitempty"`
	Achieved float64 `json:"achieved,omitempty"`
	// ScheduleP99 is how late the author itself began events: 99 % of them began
	// no later after they were due. Events that had to wait for a connection
	// don't count.
	ScheduleP99 time.Duration `json:"schedule_p99_ns,omitempty"`
	// Waited is how many events had to.
	Waited int `json:"waited,omitempty"`
	// Stalled is the longest time for which this process stood still: stopped,
	// frozen, or without a processor.
	Stalled time.Duration `json:"stalled_ns,omitempty"`
	// ClockStep is by how much this machine's clock was set forward meanwhile,
	// or back if it is below zero.
	ClockStep time.Duration `json:"clock_step_ns,omitempty"`
	// Warnings are what makes the figures doubtful on this side.
	Warnings []string `json:"warnings,omitempty"`
	// Results are those of all events, in the order in which they were begun.
	Results []Result `json:"-"`

	events *events // what was sent
	open   bool    // it was an open loop: they were planned
}

const defaultEventTimeout = time.Minute

// Run sends the events of c and reports how they fared. An event that fails is
// counted, and is no error. Errors are what makes the whole meaningless: no
// more ports or file descriptors on this side, no answer to any event, a
// deadline of the whole or the end of ctx before all were done.
func Run(ctx context.Context, c Config) (*Report, error) {
	if c.From == "" {
		c.From = DefaultFrom
	}
	if c.EventTimeout == 0 {
		c.EventTimeout = defaultEventTimeout
	}
	if c.Conns < 1 || c.Events < 1 || c.EventTimeout < 0 || c.Timeout < 0 {
		return nil, fmt.Errorf("author: got %d connections, %d events, timeouts %v and %v, "+
			"want 1 or more, and no time below zero",
			c.Conns, c.Events, c.EventTimeout, c.Timeout)
	}
	if !(c.Rate >= 0 && c.Rate <= MaxRate) || c.Poisson && c.Rate == 0 {
		return nil, fmt.Errorf("author: got the rate %g, want one above 0 and up to %d events per second, or 0 for a "+
			"closed loop, which has no Poisson arrivals", c.Rate, MaxRate)
	}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("not done after %v", c.Timeout))
		defer cancel()
	}
	r, err := run(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("author: %w", err)
	}
	return r, nil
}

// load is the state that workers share.
type load struct {
	config   Config
	events   *events
	results  []Result
	started  time.Time
	next     atomic.Int64 // the next event to be begun
	done     atomic.Int64 // events that are done
	acked    atomic.Int64
	stop     atomic.Bool // give up: an error or the context's end
	connects connectTimes
	stalled  time.Duration // watch's, until it has ended
}

// take returns the next event of the budget, false when it is spent.
func (l *load) take() (int, bool) {
	i := int(l.next.Add(1)) - 1
	return i, i < len(l.results) && !l.stop.Load()
}

// finish notes how an event fared. Its answer arrived at a time in nanoseconds since
// 1970, 0 if that isn't known.
func (l *load) finish(i int, outcome Outcome, connected bool, arrived int64) {
	s := &l.results[i]
	s.Done, s.Outcome, s.Connected = time.Since(l.started), outcome, connected
	s.Answered = time.Duration(arrived - l.started.UnixNano())
	if s.Answered < s.Begun || s.Answered > s.Done { // unknown, or the clock was set
		s.Answered = s.Done
	}
	if outcome == Acked {
		l.acked.Add(1)
	}
	l.done.Add(1)
}

// errSilent is the error when the first connections all had no answer: going on
// would take the timeout of every event.
var errSilent = errors.New("no event was answered: each of the first connections timed out")

func run(ctx context.Context, c Config) (*Report, error) {
	events, err := newEvents(c, time.Now(), c.Events)
	if err != nil {
		return nil, err
	}
	l := &load{config: c, results: make([]Result, c.Events), events: events}
	if c.Rate > 0 {
		plan(l.results, c.Rate, c.Poisson)
	}
	workers, err := newWorkers(l)
	if err != nil {
		return nil, err
	}
	cpu := cpuTime()
	fire := make(chan struct{})
	errs := make(chan error, len(workers))
	for _, w := range workers {
		go func() {
			<-fire
			errs <- w.run()
		}()
	}
	finished := make(chan struct{})
	watched := make(chan struct{})
	l.started = time.Now()
	go func() {
		defer close(watched)
		l.watch(ctx, finished)
	}()
	close(fire)
	var failed error
	for range workers {
		if err := <-errs; err != nil {
			failed = errors.Join(failed, err)
			l.stop.Store(true)
		}
	}
	ended := time.Now()
	elapsed := ended.Sub(l.started)
	step := clockStep(ended.Round(0).Sub(l.started.Round(0)), elapsed)
	close(finished)
	<-watched
	used := cpuTime() - cpu
	if failed != nil {
		return nil, failed
	}
	if done := int(l.done.Load()); done != c.Events {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w, with %d of %d events done", context.Cause(ctx), done, c.Events)
		}
		return nil, fmt.Errorf("%d of %d events were sent", done, c.Events)
	}
	r := &Report{
		Started: l.started, Sent: c.Events, Acked: int(l.acked.Load()),
		Failures: make(map[string]int), CPU: used, Results: l.results, ClockStep: step, events: events,
	}
	if r.Connect = l.connects.worst(); r.Connect > slowConnect {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the kernel took %v of CPU for a connect, as it does while too "+
			"many of "+
			"the author's ports rest in TIME_WAIT: the figures show the author's limit, not the broker's; "+
			"set net.ipv4.tcp_tw_reuse=1, or send fewer events", r.Connect.Round(time.Microsecond)))
	}
	if r.Stalled = l.stalled; r.Stalled > longStall {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the author stood still for %v: the figures have that in them",
			r.Stalled.Round(time.Millisecond)))
	}
	var last time.Duration
	for _, s := range l.results {
		last = max(last, s.Done)
		switch took := s.Done - s.Begun; {
		case s.Outcome != Acked:
			r.Failures[s.Outcome.String()]++
		case r.Fastest == 0 || took < r.Fastest:
			r.Fastest = took
		}
	}
	r.Elapsed = min(last, elapsed)
	if c.Rate > 0 {
		r.paced()
	}
	return r, nil
}

// clockStep returns by how much the clock was set while wall passed on it and
// elapsed on the monotonic clock. What passes between reading the one and the
// other is no step.
func clockStep(wall, elapsed time.Duration) time.Duration {
	const noise = 100 * time.Microsecond
	if step := wall - elapsed; step.Abs() >= noise {
		return step
	}
	return 0
}

const (
	tick      = 100 * time.Millisecond // of watch
	longStall = time.Second
)

// watch stops the workers at the context's end, reports progress, and notices
// by its ticks when this process stands still, from the load's start on: it may do
// so before the first of them.
func (l *load) watch(ctx context.Context, finished <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	ticked, reported := l.started, l.started
	notice := func(now time.Time) {
		l.stalled = max(l.stalled, now.Sub(ticked)-tick)
		ticked = now
	}
	for {
		select {
		case <-finished:
			notice(time.Now())
			return
		case <-ctx.Done():
			l.stop.Store(true)
			return
		case <-ticker.C:
			now := time.Now()
			notice(now)
			if l.config.Progress != nil && now.Sub(reported) >= time.Second {
				reported = now
				l.config.Progress(int(l.done.Load()))
			}
		}
	}
}
