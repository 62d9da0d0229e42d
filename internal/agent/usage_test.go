package agent

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
)

// TestUsage calls them wrongly.
func TestUsage(t *testing.T) {
	tests := []struct {
		args   []string
		code   int
		stderr string
	}{
		{[]string{"delay"}, 2, "-latency 0s: want a time above zero, at most 1m0s"},
		{[]string{"delay", "-latency", "2m"}, 2, "-latency 2m0s"},
		{[]string{"delay", "-latency", "1ms", "-packets", "-1"}, 2, "-packets -1"},
		{[]string{"delay", "-latency", "1ms", "-netem", "tc"}, 2,
			`got the kind of delay "tc", want auto, kernel or userspace`},
		{[]string{"usage", "-pid", "0"}, 2, "-pid 0: want a process id"},
		{[]string{"usage", "-pid", "4194305"}, 1, "4194305"}, // more than there can be, proc(5)
		{[]string{"delay", "-latency", "1ms", "eth0"}, 2, `unexpected argument "eth0"`},
		{[]string{"delay", "-latency", "1ms", "-interface", "nothing0"}, 1, "nothing0"},
		{[]string{"delay", "-help"}, 0, "usage: cometbench delay -latency"},
		{[]string{"rtt"}, 2, "-addr is missing"},
		{[]string{"rtt", "-addr", "localhost:1", "-count", "0"}, 2, "-count 0"},
		{[]string{"rtt", "-addr", "localhost:1", "-timeout", "0s"}, 2, "-timeout 0s"},
		{[]string{"rtt", "-addr", "127.0.0.1:0"}, 1, "handshake 1 of 30"},
		{[]string{"within"}, 2, "want -net PATH and a command"},
		{[]string{"within", "-net", "/proc/self/ns/net"}, 2, "want -net PATH and a command"},
		{[]string{"within", "-net", "/does/not/exist", "--", "cat"}, 1, ""},
		{[]string{"pause", "-for", "soon"}, 2, `invalid value "soon" for flag -for`},
		{[]string{"pause", "-for", "-1s"}, 2, "want a time above zero"},
		{[]string{"broker", "-for", "0s"}, 2, "want a time above zero"},
		{[]string{"broker"}, 2, "-eventdb is required"},
		{[]string{"subscriber", "-for", "-1s"}, 2, "want a time above zero"},
		{[]string{"subscriber"}, 2, "-eventdb is required"},
		{[]string{"pause", "x"}, 2, `unexpected argument "x"`},
		{[]string{"tar"}, 2, "want one folder"},
		{[]string{"tar", "/does/not/exist"}, 1, "/does/not/exist"},
		{[]string{"serve", "x"}, 2, `unexpected argument "x"`},
		{[]string{"pair", "x"}, 2, `unexpected argument "x"`},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			stdout, stderr, code := try(t, t.Context(), test.args...)
			if code != test.code || !strings.Contains(stderr, test.stderr) || stdout != "" {
				t.Errorf("exit code %d, want %d; stderr %q, want %q; stdout %q",
					code, test.code, stderr, test.stderr, stdout)
			}
		})
	}
}

func TestRTT(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	stdout, stderr, code := try(t, t.Context(), "rtt", "-addr", listener.Addr().String(), "-count", "3")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var got RoundTrips
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatalf("%s: %v", stdout, err)
	}
	if len(got.Samples) != 3 || got.Median <= 0 {
		t.Errorf("got %+v", got)
	}
}
