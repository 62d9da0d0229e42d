package experiment

import (
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/subject"
)

func TestMatches(t *testing.T) {
	cell := matrix.Cell{Broker: "comet-3.1.0", Latency: 10 * time.Millisecond, Conns: 64}
	for pattern, want := range map[string]bool{
		"":                          true,
		".":                         true,
		"Throughput":                true,
		"Other":                     false,
		"Throughput/broker=embed":   false,
		"Throughput/broker=comet":   true,
		"/broker=(embedded|comet)":  true,
		"//latency=10ms/conns=64$":  true,
		"//latency=10ms/conns=6$":   false,
		"///conns=[0-9]/more":       false,
		"Other|Throughput//=0ms":    false,
		"Other|Throughput//=10ms":   true,
		"Throughput/broker=[a/b|c]": true,
		"Throughput/(":              true, // which testing refuses
	} {
		if got := matches(pattern, cell); got != want {
			t.Errorf("matches(%q, %s) = %t, want %t", pattern, cell, got, want)
		}
	}
}

// TestWants: what the pattern leaves out isn't prepared; of a source tree the
// label isn't known yet.
func TestWants(t *testing.T) {
	o := Options{Matrix: matrix.Default(), Bench: "Throughput/broker=embedded/latency=0ms"}
	for name, want := range map[string]bool{"embedded": true, "comet-3.1.0": false, "comet@.": true} {
		b, err := subject.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.wants(b); got != want {
			t.Errorf("%s is wanted: %t, want %t", name, got, want)
		}
	}
}
