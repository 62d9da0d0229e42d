package results

import (
	"strings"
	"testing"
	"time"

	"cometbench/internal/program"
	"cometbench/matrix"
)

func TestDifference(t *testing.T) {
	made := func(change func(*Run)) *Run {
		r := &Run{Cell: matrix.Cell{Broker: "b", Latency: time.Millisecond, Conns: 1, Events: 20}, Netem: "kernel",
			Machine: Machine{Kernel: "6.1.0", CPU: "a CPU", Cores: 2, Procs: 2}, Program: program.Info{Commit: "1"}}
		change(r)
		return r
	}
	nothing := func(*Run) {}
	for _, tt := range []struct {
		change func(*Run)
		want   string
	}{
		{nothing, ""},
		{func(r *Run) { r.Started, r.Number, r.Program.Commit = time.Now(), 3, "1+changes" }, ""},
		{func(r *Run) { r.Cell.Events = 30 }, "events: 30, not 20"},
		{func(r *Run) { r.Netem = "userspace" }, "netem: userspace, not kernel"},
		{func(r *Run) { r.Machine.Engine = "docker 20" }, "engine: docker 20, not none"},
		{func(r *Run) { r.Machine.Procs = 1 }, "gomaxprocs: 1, not 2"},
		{func(r *Run) { r.Software.Twisted = "24" }, "software: Twisted 24, not none"},
		{func(r *Run) { r.Program.Commit = "2" }, "cometbench: 2, not 1"},
		{func(r *Run) { r.Cell.Conns = 2 }, "cell: "},
	} {
		if got := made(tt.change).Difference(made(nothing)); (got == "") != (tt.want == "") ||
			!strings.HasPrefix(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
