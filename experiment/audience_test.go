package experiment

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"fmt"
	"strings"
	"testing"
	"time"

	"cometbench/author"
	"cometbench/embedded"
	"cometbench/matrix"
	"cometbench/results/journey"
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

// TestFanOut: the figures of four events, of which one didn't reach one of three
// subscribers, against what was worked out by hand.
func TestFanOut(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	fmt.Fprintln(w, "event,begun_ns,elapsed_ns,outcome,connected,sha1,broker_ns,subscriber_ns")
	started := time.Unix(1000, 0)
	d := &embedded.Deliveries{Subscribers: 2, Events: make(map[[sha1.Size]byte]embedded.Delivery)}
	for i, e := range []struct {
		begun, delivered, first, last int
		count                         int
	}{
		{0, 50, 40, 90, 2},      // the last is a light one: 90, spread 50
		{100, 190, 120, 130, 2}, // the last is the first subscriber: 90, spread 70
		{200, 210, 205, 205, 1}, // missing at one
		{300, 310, 320, 330, 2}, // the first subscriber is the first: 30, spread 20
	} {
		sum := sha1.Sum([]byte{byte(i)})
		fmt.Fprintf(w, "%d,%d,5,ack,1,%x,%d,%d\n", i, e.begun, sum, e.begun+5, e.delivered)
		at := func(ns int) time.Time { return started.Add(time.Duration(ns)) }
		d.Events[sum] = embedded.Delivery{
			Author: author.DefaultFrom, Count: e.count, First: at(e.first), Last: at(e.last),
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := journey.Read(&b, started)
	if err != nil {
		t.Fatal(err)
	}
	x := &Experiment{delivered: d}
	x.report.Started = started
	f := x.fanOut(j)
	if f.MissingAtAny != 1 || f.MissingInAll != 1 || f.Last.Events != 3 {
		t.Errorf("got %+v", f)
	}
	if f.Last.P50 != 90 || f.Last.Max != 90 || f.Spread.P50 != 50 || f.Spread.Max != 70 {
		t.Errorf("got the last %+v, spread %+v", f.Last, f.Spread)
	}
	if text := strings.Join(x.run.Warnings, "\n"); !strings.Contains(text, "1 events didn't reach all subscribers") {
		t.Errorf("got warnings %s", text)
	}
}
