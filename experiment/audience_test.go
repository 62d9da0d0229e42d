package experiment

import (
	"testing"

	"cometbench/matrix"
)

// TestSubscribers: every event reaches every subscriber, and the figures of the
// first, of the last and between them agree.
func TestSubscribers(t *testing.T) {
	c := newConfig(t)
	s := prepared(t, c, "embedded")
	cell := matrix.Cell{Broker: s.Label, Conns: 2, Events: 40}
	cell.Further = 5
	run, err := do(t.Context(), c, s, cell, "")
	if err != nil {
		t.Fatal(err)
	}
	f := run.FanOut
	if f == nil || f.MissingAtAny != 0 || f.MissingInAll != 0 || f.Reconnected != 0 || f.Last == nil ||
		f.Spread == nil {
		t.Fatalf("got %+v", f)
	}
	first := run.Journeys.Delivery
	if f.Last.Events != 40 || f.Last.Max < first.Max || f.Last.P50 < first.P50 || f.Spread.Max > f.Last.Max {
		t.Errorf("got the last %+v, spread %+v, and the first subscriber %+v", f.Last, f.Spread, first)
	}
	if run.Subscriber.Entries != 40 || run.Usage.Audience <= 0 {
		t.Errorf("got %d events at the first subscriber, %v of CPU", run.Subscriber.Entries, run.Usage.Audience)
	}
}
