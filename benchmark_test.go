package cometbench

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cometbench/internal/require"
	"cometbench/vtp"
)

// benchmark runs this test's executable as go test does.
func benchmark(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"-test.run=^$", "-test.bench=."}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		t.Fatalf("%q: %v, %v\n%s%s", args, err, ctx.Err(), &out, &errs)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// records counts the lines of results.
func records(stdout string) int { return strings.Count(stdout, " author-events/s\t") }

func TestUsage(t *testing.T) {
	stdout, stderr, code := benchmark(t, "-broker=comet")
	if code != 2 || stdout != "" || !strings.Contains(stderr, `-broker: broker "comet"`) {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestBenchmark(t *testing.T) {
	stdout, stderr, code := benchmark(t, "-broker=embedded", "-latency=0", "-conns=1,2", "-events=20", "-test.count=2")
	if code != 0 || records(stdout) != 4 || stderr != "" {
		t.Errorf("exit code %d, want 4 records:\n%s%s", code, stdout, stderr)
	}
	for _, want := range []string{"\nevents: 20\n", "Unit author-events/s better=higher\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q isn't in what it prints:\n%s", want, stdout)
		}
	}
}

// TestVoid: a void run is repeated once; one that is void again makes the exit
// code 1, wherever it is, and doesn't cost the others. The broker acks probes, and
// the events of those attempts that have an "a".
func TestVoid(t *testing.T) {
	for _, tt := range []struct {
		attempts      string
		code, records int
		want          string
	}{
		{"aaa", 0, 3, ""},
		{"naaa", 0, 3, "warning: it was void at the first attempt"},
		{"nnaa", 1, 2, "1 of 3 runs are void: 1 of 3 of broker=tcp-127.0.0.1-"},
		{"anna", 1, 2, "1 of 3 runs are void"},
		{"nnnnnn", 1, 0, "3 of 3 runs are void"},
	} {
		for _, overlap := range []string{"1", "auto"} {
			t.Run(tt.attempts+"/overlap="+overlap, func(t *testing.T) {
				addr := scripted(t, tt.attempts)
				stdout, stderr, code := benchmark(t, "-broker=tcp://"+addr, "-latency=0", "-conns=1", "-events=5",
					"-test.count=3", "-overlap="+overlap)
				if code != tt.code || records(stdout) != tt.records || !strings.Contains(stdout, tt.want) {
					t.Errorf("exit code %d, %d records, want %d, %d and "+
						"%q:\n%s%s", code, records(stdout), tt.code, tt.records, tt.want, stdout, stderr)
				}
			})
		}
	}
}

// TestOverlap: runs that were made side by side, and after those that are alone, are
// printed in their turn, one line each.
func TestOverlap(t *testing.T) {
	require.Root(t)
	stdout, stderr, code := benchmark(t, "-broker=embedded", "-latency=500ms,0", "-conns=1", "-events=20",
		"-test.count=2", "-overlap=auto")
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d:\n%s%s", code, stdout, stderr)
	}
	var got []string
	for line := range strings.Lines(stdout) {
		if name, _, ok := strings.Cut(line, "-"); ok && strings.Contains(line, " runs-beside\t") {
			got = append(got, name)
		}
	}
	const name = "BenchmarkThroughput/broker=embedded/latency="
	want := []string{name + "500ms/conns=1", name + "500ms/conns=1", name + "0ms/conns=1", name + "0ms/conns=1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q:\n%s", got, want, stdout)
	}
}

// scripted starts a broker that answers the events of each attempt, which begins
// with a probe, as the script says: "a" acks them, "n" refuses them.
func scripted(t *testing.T, script string) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	var attempt atomic.Int32
	answer := func(c net.Conn) {
		defer c.Close()
		payload, err := vtp.ReadFrame(c, nil)
		if err != nil {
			return
		}
		event, err := vtp.ParseHead(payload)
		if err != nil {
			t.Error(err)
		}
		role := vtp.Ack
		if bytes.Contains(payload, []byte("cometbench/probe")) {
			attempt.Add(1)
		} else if n := int(attempt.Load()); n > len(script) || script[n-1] == 'n' {
			role = vtp.Nak
		}
		c.Write(vtp.AppendFrame(nil, vtp.Transport{
			Role: role, Origin: string(event.IVOID), Response: "ivo://cometbench/scripted", TimeStamp: time.Now(),
		}.Append(nil)))
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(c)
		}
	}()
	return listener.Addr().String()
}

// TestLatency: with -rate, the open loop is measured, and nothing else; it says in
// words whether the broker keeps up. Without, its benchmark is silent.
func TestLatency(t *testing.T) {
	stdout, stderr, code := benchmark(t, "-test.bench=Latency", "-broker=embedded", "-latency=0", "-rate=1,2",
		"-arrivals=poisson", "-events=3", "-results="+t.TempDir())
	if code != 0 || records(stdout) != 2 || stderr != "" {
		t.Errorf("exit code %d, want 2 records:\n%s%s", code, stdout, stderr)
	}
	for _, want := range []string{
		"Unit schedule-p99-sec better=lower\n",
		"BenchmarkLatency/broker=embedded/latency=0ms/conns=1024/rate=2/arrivals=poisson",
		" backlog-events\t", " delivery-p99-sec\t", ": the broker keeps up with 1 events/s: ",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q isn't in what it prints:\n%s", want, stdout)
		}
	}
	stdout, _, code = benchmark(t, "-broker=embedded", "-latency=0", "-conns=1", "-events=20")
	if code != 0 || records(stdout) != 1 || strings.Contains(stdout, "BenchmarkLatency") ||
		strings.Contains(stdout, "schedule") {
		t.Errorf("without -rate: exit code %d:\n%s", code, stdout)
	}
}
