package bottleneck

import (
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/backlog"
	"cometbench/results/journey"
	"cometbench/subject"
)

const ms = time.Millisecond

// calm is a run of 10 s, a thousand events a second over 8 connections, on 2
// processors of which one is idle; it is limited by nothing that is told.
func calm() *results.Run {
	begun := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	stored := results.Database{Entries: 10_000, Format: "dumb", First: begun, Last: begun.Add(10 * time.Second)}
	return &results.Run{
		Cell:     matrix.Cell{Conns: 8, Events: 10_000},
		Software: subject.Software{Python: "3.11.2"},
		Author:   results.Author{Elapsed: 10 * time.Second, Sent: 10_000, Acked: 10_000},
		Broker:   stored, Subscriber: stored,
		Usage: results.Usage{
			Author:     results.RoleUsage{CPU: 1000 * ms, Ran: 500 * ms, Processors: 2},
			Broker:     results.RoleUsage{CPU: 4000 * ms, Ran: 3000 * ms, Processors: 2},
			Subscriber: results.RoleUsage{CPU: 3000 * ms, Ran: 2500 * ms},
			Machine:    results.MachineUsage{Cores: 2, Elapsed: 10 * time.Second, Idle: 10 * time.Second},
		},
	}
}

func TestOf(t *testing.T) {
	late := func(r *results.Run) { r.Subscriber.Last = r.Subscriber.Last.Add(10 * time.Second) }
	for _, tt := range []struct {
		name   string
		change func(r *results.Run)
		want   results.Bottleneck
	}{
		{"nothing is used up", func(r *results.Run) {}, "broker waits: neither its processor (0.40)"},
		{"nothing is known", func(r *results.Run) { r.Usage = results.Usage{} }, "can't tell: what broker and machine"},
		{"short", func(r *results.Run) { r.Author.Elapsed = 100 * ms }, "can't tell: 100ms is too short"},
		{"a broker", func(r *results.Run) { r.Usage.Broker.CPU = 9900 * ms }, "broker CPU-bound: 0.99 of a processor"},
		{"a broker's thread", func(r *results.Run) {
			r.Software.Python = ""
			r.Usage.Broker.CPU, r.Usage.Broker.Ran = 12*time.Second, 9500*ms
		}, "broker CPU-bound: 1.20 of a processor"},
		{"threads that may run together", func(r *results.Run) {
			r.Software.Python = ""
			r.Usage.Broker.CPU, r.Usage.Broker.Ran = 19*time.Second, 5*time.Second
		}, "broker CPU-bound: 1.90 of 2 processors"},
		{"threads of one processor's work", func(r *results.Run) {
			r.Software.Python = ""
			r.Usage.Broker.CPU, r.Usage.Broker.Ran = 9900*ms, 5*time.Second
		}, "can't tell: the broker used 0.50"},
		{"latency", func(r *results.Run) { r.RTT = 3900 * time.Microsecond }, "bound by latency: it takes 0.97"},
		{"latency and a hog", func(r *results.Run) {
			r.RTT, r.Usage.Machine.Idle = 3900*time.Microsecond, 0
		}, "bound by latency: "},
		{"latency and a broker", func(r *results.Run) {
			r.RTT, r.Usage.Broker.CPU = 2*ms, 6000*ms
		}, "bound by latency and the broker: 0.50"},
		{"latency, on connections that stay open", func(r *results.Run) {
			r.Cell.Kept, r.RTT = true, 7800*time.Microsecond
		}, "bound by latency: it takes 0.97"},
		{"an author", func(r *results.Run) { r.Usage.Author.CPU = 19 * time.Second }, "author-bound: 0.95"},
		{"an author on a larger machine", func(r *results.Run) {
			r.Usage.Author.CPU, r.Usage.Author.Processors = 19*time.Second, 8
			r.Usage.AuthorMachine = &results.MachineUsage{Cores: 8, Elapsed: 10 * time.Second, Idle: 61 * time.Second}
		}, "broker waits: neither its processor (0.40)"},
		{"a hog on the author's machine", func(r *results.Run) {
			r.Usage.Author.CPU, r.Usage.Author.Waited = time.Second, 19*time.Second
			r.Usage.AuthorMachine = &results.MachineUsage{Cores: 2, Elapsed: 10 * time.Second, Idle: time.Second}
		}, "machine saturated: the author got 0.05 of the processors that it may use, and wanted more; 0.10 of 2"},
		{"a hypervisor of the author's machine", func(r *results.Run) {
			r.Usage.AuthorMachine = &results.MachineUsage{Cores: 2, Elapsed: 10 * time.Second, Steal: 8 * time.Second}
		}, "machine saturated: the hypervisor took 0.80 of 2 processors of the author's"},
		{"an author's thread", func(r *results.Run) { r.Usage.Author.Ran = 9500 * ms }, "author-bound: 0.95"},
		{"an author's limit", func(r *results.Run) { r.Usage.Author.Throttled = 8 * time.Second },
			"author-bound: a limit of the processor kept it from running for 0.80"},
		{"a broker's limit", func(r *results.Run) { r.Usage.Broker.Throttled = 6 * time.Second },
			"broker limited: a limit of the processor kept it from running for 0.60 of the time; it got 0.40"},
		{"a limit of both", func(r *results.Run) {
			r.Usage.Broker.Throttled, r.Usage.Author.Throttled = 6*time.Second, 5*time.Second
		}, "machine saturated: a limit"},
		{"a hog", func(r *results.Run) {
			r.Usage.Machine.Idle, r.Usage.Broker.Waited = 100*ms, 6000*ms
		}, "machine saturated: the broker got 0.40 of a processor, and wanted more; 0.01 of 2 were idle"},
		{"a hog that gives way", func(r *results.Run) { r.Usage.Machine.Idle = 0 }, "broker waits"},
		{"a hypervisor", func(r *results.Run) { r.Usage.Machine.Steal = 4 * time.Second },
			"machine saturated: the hypervisor took 0.40 of 2 processors"},
		{"a hog on the broker's processor", func(r *results.Run) { r.Usage.Broker.Waited = 6500 * ms },
			"machine saturated: the broker got 0.40 of a processor, and wanted more; 1.00 of 2 were idle"},
		{"a hog on the author's processor", func(r *results.Run) {
			r.Usage.Author.Waited, r.Usage.Author.Processors = 9500*ms, 1
		}, "machine saturated: the author got 0.10"},
		{"a listen queue", func(r *results.Run) {
			r.Usage.ListenDrops = 30
		}, "listen queue overflowed 30 times: TCP's retries decide"},
		{"a retry at the end", func(r *results.Run) {
			r.Usage.ListenDrops = 1
			r.Journeys = &journey.Summary{Ack: &journey.Latency{Max: 7 * time.Second}}
		}, "listen queue overflowed once: TCP"},
		{"few retries", func(r *results.Run) { r.Usage.ListenDrops = 2 }, "broker waits"},
		{"lost packets", func(r *results.Run) { r.Usage.Retransmits = 100 }, "can't tell: the broker used 0.40"},
		{"an open loop", func(r *results.Run) {
			r.OpenLoop = &results.OpenLoop{Backlog: &backlog.Trend{Verdict: backlog.KeepsUp}}
		}, "bound by the planned rate: the broker kept up, and used 0.40 of a processor"},
		{"one connection", func(r *results.Run) {
			r.Cell.Conns, r.Usage.Broker.CPU = 1, 7*time.Second
		}, "bound by one connection: an event takes 1ms"},
		{"between", func(r *results.Run) { r.Usage.Broker.CPU = 7500 * ms }, "can't tell: the broker used 0.75"},
		{"a subscriber's limit", func(r *results.Run) {
			late(r)
			r.Usage.Subscriber.Throttled = 15 * time.Second
		}, "subscriber-bound: it took 20s for what the author sent in 10s; a limit"},
		{"a subscriber", func(r *results.Run) {
			late(r)
			r.Usage.Subscriber.CPU = 19 * time.Second
		}, "subscriber-bound: it took 20s for what the author sent in 10s; it used 0.95 of a processor"},
		{"a subscriber that doesn't read", func(r *results.Run) {
			late(r)
			r.Usage.Unread = 4711
		}, "subscriber-bound: it took 20s for what the author sent in 10s; 4711 bytes"},
		{"a broker that is late", func(r *results.Run) {
			late(r)
			r.Usage.Broker.CPU = 19 * time.Second
		}, "broker CPU-bound: 0.95 of a processor, also after its last ack"},
		{"a broker's thread that is late", func(r *results.Run) {
			late(r)
			r.Software.Python = ""
			r.Usage.Broker.CPU, r.Usage.Broker.Ran = 19*time.Second, 18500*ms
		}, "broker CPU-bound: 0.95 of a processor, also after its last ack"},
		{"a hog, and a late subscriber", func(r *results.Run) {
			late(r)
			r.Usage.Machine.Idle, r.Usage.Subscriber.Waited = 0, 18*time.Second
		}, "machine saturated: the subscriber got 0.15 of a processor, and wanted more"},
		{"a late subscriber", late, "can't tell: the subscriber is late"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := calm()
			tt.change(r)
			got := Of(r)
			if !strings.HasPrefix(string(got), string(tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got.Kind() == "" {
				t.Errorf("%q has no kind", got)
			}
		})
	}
}
