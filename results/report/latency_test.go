package report

import (
	"bytes"
	"strings"
	"testing"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/journey"
)

// TestLatencies: cells that have latencies are in a table of their own, with what
// went astray.
func TestLatencies(t *testing.T) {
	rates := [3]results.Rates{{Mean: 100}, {Mean: 100}, {Mean: 100}}
	set := &results.Set{Cells: []results.CellRuns{
		{Cell: matrix.Cell{Broker: "embedded", Conns: 8, Events: 10}, Rates: rates,
			Latencies: map[string]float64{"ack-p50-sec": 928e-6, "delivery-max-sec": 1.333},
			Losses:    journey.Losses{"stored and not delivered": 1333, "never connected": 2}},
		{Cell: matrix.Cell{Broker: "embedded", Conns: 64, Events: 10}, Rates: rates},
	}}
	r, err := New(set, false)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`data-name="Ack p50">928 µs<`, `data-name="Delivery max">1.33 s<`, `data-name="Ack p99.9">–<`,
		`data-name="Astray">2 never connected, 1,333 stored and not delivered<`,
	} {
		if n := strings.Count(b.String(), want); n != 1 {
			t.Errorf("the report has %q %d times, want once", want, n)
		}
	}
	set.Cells = set.Cells[1:]
	if r, err = New(set, false); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	if err := r.Write(&b); err != nil || strings.Contains(b.String(), "Astray") {
		t.Errorf("without latencies: %v, want no table of them", err)
	}
}
