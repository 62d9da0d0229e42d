package results

import (
	"testing"
	"time"

	"cometbench/matrix"
)

// TestTheoryRatio: a connection that is kept open saves a round trip, and theory
// says nothing of events that don't fit into its first window.
func TestTheoryRatio(t *testing.T) {
	run := func(kept bool, bytes int) *Run {
		r := &Run{
			Cell: matrix.Cell{Latency: 10 * time.Millisecond, Conns: 4}, RTT: 10 * time.Millisecond,
			Author: Author{Acked: 100, Elapsed: time.Second},
		}
		if r.Cell.Kept = kept; bytes > 0 {
			r.Payload = &Payload{Smallest: 1, Largest: bytes}
		}
		return r
	}
	for _, tt := range []struct {
		run  *Run
		want float64
	}{
		{run(false, 0), 0.5}, {run(true, 0), 0.25}, {run(false, 10_000), 0.5}, {run(false, 14_476), 0.5},
		{run(false, 14_477), 0},
	} {
		if got := tt.run.TheoryRatio(); got != tt.want {
			t.Errorf("%+v: got %g, want %g", tt.run.Cell, got, tt.want)
		}
		has := false
		for _, f := range tt.run.Figures() {
			has = has || f.Unit == "theory-ratio"
		}
		if has != (tt.want > 0) {
			t.Errorf("%+v: has theory-ratio is %v", tt.run.Payload, has)
		}
	}
}
