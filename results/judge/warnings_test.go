package judge

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results"
)

// A cell bound by latency at 100 ms and 8 connections should have 39.8 events/s.
func TestDisturbed(t *testing.T) {
	const busy = "packets left 3 ms later than asked for"
	for _, tt := range []struct {
		name               string
		rates              []float64
		warn               []int // indexes of runs
		outside, disturbed bool
	}{
		{"fine", []float64{39, 39, 39}, nil, false, false},
		{"fine with a warning", []float64{39, 39, 38}, []int{2}, false, false},
		{"slow", []float64{20, 20, 20}, nil, true, false},
		{"slow where it warns", []float64{39, 39, 10}, []int{2}, false, true},
		{"all warn", []float64{20, 20, 20}, []int{0, 1, 2}, false, true},
		{"slow where it doesn't warn", []float64{20, 20, 39}, []int{2}, true, false},
		{"nothing acked, with a warning", []float64{0, 0, 0}, []int{0}, true, false},
		{"fast with warnings: nothing makes a run faster", []float64{79, 79, 79}, []int{0, 1, 2}, true, false},
	} {
		m := made(100*ms, 8, tt.rates...)
		for _, i := range tt.warn {
			m.Runs[i].Warnings = []string{busy}
		}
		j := Judge(&results.Set{Cells: []results.CellRuns{made(0, 1, 1000), made(0, 8, 2000), made(0, 64, 1950), m}},
			Options{})
		if outside, disturbed := len(j.Outside()) > 0, len(j.Disturbed()) > 0; outside != tt.outside ||
			disturbed != tt.disturbed {
			t.Errorf("%s: outside %v, disturbed %v, want %v, %v", tt.name, outside, disturbed, tt.outside, tt.disturbed)
		}
	}
}

// Findings say what runs warn of, once for all runs of a cell, and how many runs
// a cell lacks.
func TestFindings(t *testing.T) {
	m := made(0, 64, 1900, 1910, 1905, 1900, 1890, 1902, 1903)
	for i := range m.Runs {
		m.Runs[i].Name = "b/0ms/64c/run" + string(rune('1'+i))
		m.Runs[i].Warnings = []string{"the queue was full: 41" + string(rune('1'+i)) + " attempts were dropped"}
	}
	m.Runs[1].Warnings = append(m.Runs[1].Warnings, "the machine was too busy")
	j := Judge(&results.Set{Cells: []results.CellRuns{made(0, 1, 1000, 1001), m}}, Options{})
	want := []string{
		"warning of 7 of 7 runs (run1, run2, run3, run4, run5, …): the queue was full: 411 attempts were dropped",
		"warning of 1 of 7 runs (run2): the machine was too busy",
	}
	if got := j.Brokers[0].Cells[1].Findings; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := j.Brokers[0].Cells[0].Findings; !slices.Equal(got, []string{"2 of the 7 runs that other cells have"}) {
		t.Errorf("got %q, want that 5 runs are missing", got)
	}
}

// What was measured when, the round trips, and the runs without figures are in
// the report.
func TestText(t *testing.T) {
	m := made(10*ms, 8, 379, 380)
	began := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	for i := range m.Runs {
		m.Runs[i].RTT, m.Runs[i].Started = 10*ms+500*time.Microsecond, began.Add(time.Duration(i)*25*time.Hour)
	}
	set := &results.Set{
		Cells: []results.CellRuns{made(0, 1, 1000), m},
		Void: []results.VoidRun{{Cell: matrix.Cell{Broker: "b"}, Name: "b/0ms/8c/void1", Started: began,
			Why: "the broker died\nlast words"}},
		LeftOut: []string{"b/0ms/8c/run3/author.log: the log ends early"},
	}
	var b strings.Builder
	if err := Judge(set, Options{}).Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"measured: 2026-11-25 09:00 to 2026-11-26 10:00 UTC\n",
		"latency  conns      RTT  author-events/s",
		"   10ms      8  10.5 ms            379.5",
		"runs without figures\n  b/0ms/8c/void1: the run of 2026-11-25 09:00 UTC is void: the broker died\n    last " +
			"words\n  b/0ms/8c/run3/author.log: the log ends early\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}
