// Package results keeps what was measured: the record of one run, the tree of
// runs on disk, their summaries, and the same as benchmark records.
package results

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"cometbench/internal/program"
	"cometbench/matrix"
	"cometbench/results/journey"
	"cometbench/subject"
)

// Run is the record of one run of one cell: what was asked for, what ran, and
// what was measured. It is kept as run.json in the run's folder, and every
// figure that is printed comes from it.
type Run struct {
	Cell matrix.Cell `json:"cell"`
	// Number is the run's place in its cell's folder of a tree, from 1 (the
	// original experiment's may begin with 0); 0 outside.
	Number  int       `json:"number,omitempty"`
	Started time.Time `json:"started"`

	// Payload describes the events, nil of the benchmark's own.
	Payload *Payload `json:"payload,omitempty"`

	Software subject.Software `json:"software"`
	Machine  Machine          `json:"machine"`
	// AuthorMachine is where the author ran, nil where that is the same machine. Else
	// Machine is where broker and subscriber ran, with the process that started them
	// (Procs, OS and Arch) on any.
	AuthorMachine *Machine `json:"author_machine,omitempty"`
	// Program is what made the run.
	Program program.Info `json:"program,omitzero"`

	// Netem is the delay that the author's packets went through: "none",
	// "kernel" or "userspace".
	Netem string `json:"netem"`
	// Pinned says in words which processors each role was kept to, "" where the
	// kernel chose.
	Pinned string `json:"pinned,omitempty"`
	// BaseRTT and RTT are the medians of the round trips measured on the path
	// of the author's packets, without and with the delay. Where no latency was
	// asked for, they are equal, and 0 if all ran on one machine.
	BaseRTT time.Duration `json:"base_rtt_ns,omitempty"`
	RTT     time.Duration `json:"rtt_ns,omitempty"`
	// Clocks is nil where all ran on one machine.
	Clocks *Clocks `json:"clocks,omitempty"`
	// Lateness is by how much packets left later than asked for, on average over
	// the whole run; 99 % of them were no later than LatenessP99. The kernel's
	// delay doesn't report it: then both are 0.
	Lateness    time.Duration `json:"lateness_ns,omitempty"`
	LatenessP99 time.Duration `json:"lateness_p99_ns,omitempty"`

	// Service is the service time t of TheoryRatio: what a transaction takes
	// besides its two round trips, measured in the cell without latency at one
	// connection. 0 where that cell wasn't run.
	Service time.Duration `json:"service_ns,omitempty"`

	Author     Author   `json:"author"`
	Broker     Database `json:"broker"`
	Subscriber Database `json:"subscriber"`
	// FanOut is how events reached all subscribers, nil where there is one only.
	FanOut *FanOut `json:"fan_out,omitempty"`

	// Journeys sums up what became of each event: latencies, and losses by name.
	// It is nil where nobody joined the author's times with the databases.
	Journeys *journey.Summary `json:"journeys,omitempty"`

	// OpenLoop is nil for a run of a closed loop.
	OpenLoop *OpenLoop `json:"open_loop,omitempty"`

	// HarnessCPU is the CPU time that our own processes (author and, where
	// it is ours, broker and subscriber) used in the measured phase.
	HarnessCPU time.Duration `json:"harness_cpu_ns,omitempty"`
	// Usage is what each role used in the measured phase, and the machine.
	Usage Usage `json:"usage,omitzero"`
	// Bottleneck is what limited the run, "" where that wasn't asked.
	Bottleneck Bottleneck `json:"bottleneck,omitempty"`
	// Outside is the wall time of the run outside the measured phase: start,
	// readiness, settling, collection, and removal where that was waited for.
	Outside time.Duration `json:"outside_ns,omitempty"`

	// Beside says what else was under way in the measured phase, nil where runs
	// were made one by one.
	Beside *Beside `json:"beside,omitempty"`

	// Warnings say, in words, what makes the figures doubtful.
	Warnings []string `json:"warnings,omitempty"`
	// Void says why the run has no figures. [Staging.Commit] keeps the reason in
	// the tree.
	Void string `json:"void,omitempty"`
}

// Machine is where it ran.
type Machine struct {
	Kernel string `json:"kernel,omitempty"`
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores,omitempty"`
	// Procs is the GOMAXPROCS that the benchmark ran with, the number behind
	// its name, and OS and Arch what it was built for: benchmarks print them.
	Procs int    `json:"gomaxprocs,omitempty"`
	OS    string `json:"goos,omitempty"`
	Arch  string `json:"goarch,omitempty"`
	// Engine is the container engine and its version, "" without one.
	Engine string `json:"engine,omitempty"`
	// Idle is "polling" where the kernel was asked to keep idle processors
	// from sleeping, "" where nobody asked.
	Idle string `json:"idle,omitempty"`
}

// Payload is what events were sent, besides its name in the cell.
type Payload struct {
	// Files is how many events those that were sent were made of, 0 for the
	// benchmark's own.
	Files int `json:"files"`
	// Smallest and Largest are in bytes.
	Smallest int `json:"smallest"`
	Largest  int `json:"largest"`
}

// String returns its sizes: "2110 to 6272".
func (p *Payload) String() string {
	switch {
	case p == nil:
		return ""
	case p.Smallest == p.Largest:
		return strconv.Itoa(p.Smallest)
	}
	return fmt.Sprintf("%d to %d", p.Smallest, p.Largest)
}

// Beside is what was under way besides a run in its measured phase: how many other
// runs of the series at most, and in the mean.
type Beside struct {
	Most int     `json:"most"`
	Mean float64 `json:"mean"`
}

// firstWindow is how many bytes TCP sends before it waits for the first
// acknowledgement: ten segments (RFC 6928).
const (
	firstWindow = 10 * 1448
	frameHeader = 4
	// farWindow is the same in an overlay network, whose own headers take 50 bytes of
	// each packet (VXLAN, RFC 7348).
	farWindow = 10 * (1448 - 50)
)

// inTheory reports whether theory has a rate of the run.
func (r *Run) inTheory() bool {
	known := r.Cell.Latency > 0 || r.RTT > 0 && r.Service > 0
	return known && r.Cell.Rate == 0 && r.fits()
}

// fits reports whether every event is sent in one go.
func (r *Run) fits() bool {
	window := firstWindow
	if r.AuthorMachine != nil {
		window = farWindow
	}
	return r.Payload == nil || r.Payload.Largest+frameHeader <= window
}

// Author is the author's part of a run.
type Author struct {
	// Elapsed is the author time: from the first connection attempt until
	// the last event was acked, nak'd or had failed.
	Elapsed time.Duration `json:"elapsed_ns"`
	Sent    int           `json:"sent"`
	Acked   int           `json:"acked"`
	// Failures counts the events that weren't acked by how they failed:
	// "nak", "refused", "reset", "timeout", "other".
	Failures map[string]int `json:"failures,omitempty"`
	// Sidecar names the file beside run.json that holds the times of each event,
	// see package journey.
	Sidecar string `json:"sidecar,omitempty"`
}

// Database is the summary of an event database after the run, as
// [eventdb.Summary] has it. It is zero where there was none to read: of a
// broker that somebody else runs.
type Database struct {
	Entries int `json:"entries"`
	// Format is "" only where there was no database.
	Format string `json:"format,omitempty"`
	// First and Last are the oldest and newest times in it, zero where it
	// has no entry.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Resolution is the smallest difference of two times that its writer's
	// digits can tell: 10 ms of Python 2. 0 where that isn't known.
	Resolution time.Duration `json:"resolution_ns,omitempty"`
}

// Elapsed returns the time between the oldest and the newest entry.
func (d Database) Elapsed() time.Duration { return d.Last.Sub(d.First) }

// Missing returns how many of the events sent aren't in the subscriber's
// database. It is below zero if the database had other events before the run.
func (r *Run) Missing() int { return r.Author.Sent - r.Subscriber.Entries }

// rate returns n events over d, and 0 where that means nothing: fewer than one
// event, or no time between the first and the last.
func rate(n int, d time.Duration) float64 {
	if n < 1 || d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// AuthorRate returns the events acked per second of author time.
func (r *Run) AuthorRate() float64 { return rate(r.Author.Acked, r.Author.Elapsed) }

// BrokerRate returns the events in the broker's database per second of its time.
func (r *Run) BrokerRate() float64 { return rate(r.Broker.Entries, r.Broker.Elapsed()) }

// SubscriberRate returns the events in the subscriber's database per second of
// its time.
func (r *Run) SubscriberRate() float64 { return rate(r.Subscriber.Entries, r.Subscriber.Elapsed()) }

// TheoryRatio returns the author's rate over the one that theory gives as long
// as the broker isn't saturated, conns / (2·RTT + t), or (RTT + t) where connections
// are kept open. It is 0 where theory has no rate: without latency, unless t and the
// round trip to another machine are known, and of events that don't fit
// into the first window of a connection, which take more round trips.
func (r *Run) TheoryRatio() float64 {
	if !r.inTheory() {
		return 0
	}
	theory := r.Cell.TheoreticalRate(r.RTT, r.Service)
	if math.IsInf(theory, 0) || theory == 0 {
		return 0
	}
	return r.AuthorRate() / theory
}
