package results

import (
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
)

// far is a run of 100 events/s over 4 connections, whose author was on another machine,
// 10 ms away.
func far() *Run {
	const ms = time.Millisecond
	return &Run{
		Cell: matrix.Cell{Broker: "b", Conns: 4}, BaseRTT: 10 * ms, RTT: 10 * ms, Service: 20 * ms,
		Machine:       Machine{Kernel: "linux 6.1.0", Engine: "docker 28", Cores: 2},
		AuthorMachine: &Machine{Kernel: "linux 6.8.0", Engine: "docker 26", Cores: 8},
		Clocks:        &Clocks{Offset: -1500 * time.Microsecond, Error: 250 * time.Microsecond},
		Author:        Author{Sent: 100, Acked: 100, Elapsed: time.Second},
	}
}

// TestTheoryApart: without latency the round trip between two machines is in theory,
// where the service time is known; and less of an event fits into a packet.
func TestTheoryApart(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Run)
		want   float64
	}{
		{"known", func(r *Run) {}, 1},
		{"without the service time", func(r *Run) { r.Service = 0 }, 0},
		{"on one machine", func(r *Run) { r.AuthorMachine, r.RTT, r.BaseRTT = nil, 0, 0 }, 0},
		{"the largest event", func(r *Run) { r.Payload = &Payload{Largest: 13_976} }, 1},
		{"too large an event", func(r *Run) { r.Payload = &Payload{Largest: 13_977} }, 0},
		{"an open loop", func(r *Run) { r.Cell.Rate = 50 }, 0},
	} {
		r := far()
		tt.change(r)
		if got := r.TheoryRatio(); got != tt.want {
			t.Errorf("%s: got %g, want %g", tt.name, got, tt.want)
		}
		rtts := 0
		for _, f := range r.Figures() {
			if f.Unit == rttUnit || f.Unit == "base-rtt-sec" {
				rtts++
			}
		}
		if want := 2; r.AuthorMachine != nil && rtts != want || r.AuthorMachine == nil && rtts != 0 {
			t.Errorf("%s: got %d figures of round trips", tt.name, rtts)
		}
	}
}

// TestMachinesApart: both machines are in the configuration, and a difference in
// either is one.
func TestMachinesApart(t *testing.T) {
	var lines []string
	for _, c := range Configs([]*Run{far()}) {
		lines = append(lines, c.String())
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{"engine: docker 28\n", "author-engine: docker 26\n", "author-kernel: linux 6.8.0\n",
		"host-cores: 2\n", "author-cores: 8\n"} {
		if !strings.Contains(text+"\n", want) {
			t.Errorf("got %q, want %q in it", text, want)
		}
	}
	other, one := far(), far()
	other.AuthorMachine.Engine, one.AuthorMachine = "docker 20.10", nil
	if got := far().Difference(other); got != "author-engine: docker 26, not docker 20.10" {
		t.Errorf("got %q", got)
	}
	if got := far().Difference(one); got != "author-engine: docker 26, not none" || one.Kind() == far().Kind() {
		t.Errorf("got %q", got)
	}
	const clocks = "the broker's clock is 1.5ms behind the author's, give or take 250µs"
	if got := far().Clocks.String(); got != clocks {
		t.Errorf("got %q, want %q", got, clocks)
	}
}

// TestForeignApart: what else used the processors is told of each machine.
func TestForeignApart(t *testing.T) {
	const s = time.Second
	u := Usage{
		Author: RoleUsage{CPU: 1 * s}, Broker: RoleUsage{CPU: 2 * s}, Subscriber: RoleUsage{CPU: 3 * s}, Delay: 1 * s,
		Machine: MachineUsage{Busy: 10 * s},
	}
	u.SetForeign()
	if u.Machine.Foreign != 3*s {
		t.Errorf("on one machine: got %v, want 3s", u.Machine.Foreign)
	}
	u.AuthorMachine = &MachineUsage{Busy: 4 * s}
	u.SetForeign()
	if u.Machine.Foreign != 5*s || u.AuthorMachine.Foreign != 2*s {
		t.Errorf("got %v and %v of the author's, want 5s and 2s", u.Machine.Foreign, u.AuthorMachine.Foreign)
	}
}
