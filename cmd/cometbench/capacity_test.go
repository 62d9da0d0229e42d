package main

import (
	"strings"
	"testing"
)

func TestCapacityRefuses(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "capacity: want BROKER"},
		{"-p99=0s embedded", "-p99 0s and -budget 4m0s: want times above zero"},
		{"-latency=1h embedded", "-latency: "},
		{"-netem=magic embedded", "-netem: "},
		{"comet", `broker "comet"`},
		{"tcp://127.0.0.1:1", "when events are delivered isn't known of it"},
	} {
		_, stderr, code := call(t, "", append([]string{"capacity"}, strings.Fields(tt.args)...)...)
		if code != 2 || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: got exit code %d, %s, want %q", tt.args, code, stderr, tt.want)
		}
	}
}

// TestCapacity: where time runs out before the first trial, it says so, and from
// which rate it would have started.
func TestCapacity(t *testing.T) {
	stdout, stderr, code := call(t, "", "capacity", "-budget=1ms", "embedded")
	for _, want := range []string{
		"Capacity of embedded, latency 0ms: unknown\n", "The time was used up", "0 trials", "The search started from",
	} {
		if code != 0 || !strings.Contains(stdout, want) {
			t.Errorf("got exit code %d, %s, %s, want %q", code, stdout, stderr, want)
		}
	}
}
