package netem

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
)

// place is a pair of namespaces with a server in the broker's.
type place struct {
	*Pair
	self   string
	server string // HOST:PORT
}

// newPlace makes a place, and removes it after the test.
func newPlace(t testing.TB) *place {
	t.Helper()
	require.Root(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := NewPair(t.Context(), self)
	if errors.Is(err, ErrUnsupported) {
		require.Missing(t, "netem", err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pair.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &place{Pair: pair, self: self}
	p.server = p.serve(t, "serve")
	if slow() {
		// The emulator translates what it hasn't run before.
		p.rtt(t, 30)
	}
	return p
}

// process is a program that prints JSON and ends when its input does.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *json.Decoder
	stderr bytes.Buffer
	ended  bool
}

func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd}
	cmd.Stderr = &p.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdin, p.stdout = stdin, json.NewDecoder(stdout)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
	})
	return p
}

// kill ends a process that hasn't ended.
func (p *process) kill() {
	if !p.ended {
		p.ended = true
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// read reads one value that the process prints.
func (p *process) read(t testing.TB, v any) {
	t.Helper()
	if err := p.stdout.Decode(v); err != nil {
		p.kill()
		t.Fatalf("%v: %v\n%s", p.cmd.Args, err, &p.stderr)
	}
}

// end ends the process.
func (p *process) end(t testing.TB) {
	t.Helper()
	p.ended = true
	_ = p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("%v: %v\n%s", p.cmd.Args, err, &p.stderr)
	}
}

// serve starts a server in the broker's namespace and returns its address: the
// subcommand "serve" or "broker".
func (p *place) serve(t testing.TB, subcommand string) string {
	t.Helper()
	server := start(t, p.BrokerCommand(context.Background(), p.self, subcommand))
	var port uint16
	server.read(t, &port)
	t.Cleanup(func() { server.end(t) })
	return netip.AddrPortFrom(p.BrokerAddr, port).String()
}

// delay starts a delay of the author's interface in a process of its own.
func (p *place) delay(t testing.TB, kind Kind, latency time.Duration) *process {
	t.Helper()
	args := []string{"delay", "-netem", string(kind), "-latency", latency.String()}
	d := start(t, p.AuthorCommand(context.Background(), p.self, args...))
	var ready Ready
	d.read(t, &ready)
	if ready.Kind != kind || ready.OneWay != latency || ready.Interface != p.Interface {
		t.Fatalf("asked for %v of %v on %s, got %+v", kind, latency, p.Interface, ready)
	}
	return d
}

// remove ends a delay and returns its statistics.
func (p *place) remove(t testing.TB, d *process) Stats {
	t.Helper()
	_ = d.stdin.Close()
	var s Stats
	d.read(t, &s)
	d.end(t)
	return s
}

// rtt returns the round trip by count handshakes.
func (p *place) rtt(t testing.TB, count int) time.Duration {
	t.Helper()
	var samples []time.Duration
	p.json(t, &samples, "rtt", "-addr", p.server, "-count", strconv.Itoa(count))
	return figure(samples)
}

// load runs a load, all events of which must be answered.
func (p *place) load(t testing.TB, conns, events, size int) (l loaded) {
	t.Helper()
	p.json(t, &l, "load", "-addr", p.server, "-conns", strconv.Itoa(conns), "-events", strconv.Itoa(events),
		"-size", strconv.Itoa(size))
	if l.Failure != "" || l.Answered != int64(events) {
		t.Errorf("%d of %d events were answered; one failed: %s", l.Answered, events, l.Failure)
	}
	return l
}

// lossless runs a load that must lose no segment. What TCP sends again although
// it wasn't lost, the other side reports as a duplicate. (An emulated processor
// is too slow for TCP's timeouts.)
func (p *place) lossless(t testing.TB, conns, events, size int) (l loaded) {
	t.Helper()
	undisturbed(t, lateness.stopped, func() { l = p.load(t, conns, events, size) })
	if l.Counters.RetransSegs > l.Counters.Duplicates && !slow() {
		t.Errorf("segments were lost: %+v", l.Counters)
	}
	return l
}

func (p *place) json(t testing.TB, v any, args ...string) {
	t.Helper()
	run := start(t, p.AuthorCommand(context.Background(), p.self, args...))
	if err := run.stdout.Decode(v); err != nil {
		run.kill()
		t.Fatalf("%v: %v\n%s\n%s", run.cmd.Args, err, &run.stderr, p.state())
	}
	run.end(t)
}

// state describes the author's namespace: the counters of all that a packet
// passes, neighbours, connections, and packet sockets, which exist as long as a
// delay does.
func (p *place) state() string {
	var b strings.Builder
	for _, args := range [][]string{
		{"tc", "-s", "qdisc"}, {"ip", "-s", "link"}, {"ip", "neigh"}, {"cat", "/proc/net/packet"}, {"cat", "/proc/net/tcp"},
	} {
		out, err := p.AuthorCommand(context.Background(), args[0], args[1:]...).CombinedOutput()
		fmt.Fprintf(&b, "%s\n%s", strings.Join(args, " "), out)
		if err != nil {
			fmt.Fprintln(&b, err)
		}
	}
	return b.String()
}

// run runs a tool in the author's namespace and returns what it prints.
func (p *place) run(t testing.TB, tool string, args ...string) string {
	t.Helper()
	return output(t, p.AuthorCommand(t.Context(), tool, args...))
}

func output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

var pingTime = regexp.MustCompile(`time=([0-9.]+) ms`)

// ping pings count times, several at a time, and returns the round trips, which
// ping prints with three digits. All count pings must be answered.
func (p *place) ping(t testing.TB, count int, args ...string) []time.Duration {
	t.Helper()
	require.Command(t, "netem", "ping")
	args = append([]string{"-n", "-c", strconv.Itoa(count), "-i", "0.01", "-w", "10"}, args...)
	out := p.run(t, "ping", append(args, p.BrokerAddr.String())...)
	var times []time.Duration
	for _, m := range pingTime.FindAllStringSubmatch(out, -1) {
		d, err := time.ParseDuration(m[1] + "ms")
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, d)
	}
	if len(times) < count { // with -w it may send more
		t.Fatalf("%d of %d pings were answered:\n%s", len(times), count, out)
	}
	return times
}

// checkStats fails unless all that went in came out.
func checkStats(t testing.TB, s Stats, atLeast int) {
	t.Helper()
	if s.Drops != 0 || s.Out != s.In || s.In < uint64(atLeast) {
		t.Errorf("got %s, want %d packets or more in, all of them out, and none dropped", describe(s), atLeast)
	}
}

func describe(s Stats) string {
	return fmt.Sprintf("%d in, %d out, %d dropped, late by %v in the mean, p99 at most %v, at most %v, CPU %v",
		s.In, s.Out, s.Drops, s.Lateness.Mean(), s.Lateness.Quantile(0.99), s.Lateness.Max, s.CPU)
}

// slow reports whether the processor is emulated. A packet may take many
// milliseconds there.
func slow() bool { return os.Getenv(emulated) != "" }

// figure returns the lower decile of round trips. A moment in which the machine
// stands still doesn't show in it, a wrong delay does. (BenchmarkDelay measures how
// exact the delays are.)
func figure(samples []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(samples))
	return s[len(s)/10]
}

// roundTrip measures a round trip while the machine is undisturbed.
func roundTrip(t testing.TB, measure func() time.Duration) (rtt time.Duration) {
	t.Helper()
	undisturbed(t, lateness.slowed, func() { rtt = measure() })
	return rtt
}

// check measures a round trip and judges it.
func check(t testing.TB, what string, base, oneWay time.Duration, measure func() time.Duration) {
	t.Helper()
	judge(t, what, base, oneWay, roundTrip(t, measure))
}

// judge judges a round trip by [CheckRTT]. On an emulated processor, whose speed
// changes with what else the real ones do, it must not be less than the delay,
// and not more than half the delay longer, or 25 ms.
func judge(t testing.TB, what string, base, oneWay, rtt time.Duration) {
	t.Helper()
	if slow() {
		if most := base + oneWay + max(oneWay/2, 25*time.Millisecond); rtt < oneWay || rtt > most {
			t.Errorf("%s: got a round trip of %v, want %v to %v", what, rtt, oneWay, most)
		}
		return
	}
	if err := CheckRTT(base, rtt, oneWay); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// undelayed is [check] of a round trip after a delay was removed: it may take
// less than base, which was measured before.
func undelayed(t testing.TB, what string, base time.Duration, measure func() time.Duration) {
	t.Helper()
	judge(t, what, base, 0, max(base, roundTrip(t, measure)))
}

// pings returns a function that measures a round trip by count pings.
func (p *place) pings(t testing.TB, count int, args ...string) func() time.Duration {
	return func() time.Duration { return figure(p.ping(t, count, args...)) }
}

// handshakes returns a function that measures a round trip by count handshakes.
func (p *place) handshakes(t testing.TB, count int) func() time.Duration {
	return func() time.Duration { return p.rtt(t, count) }
}

// ipv6 gives both ends IPv6 addresses and returns the broker's.
func (p *place) ipv6(t testing.TB) netip.Addr {
	t.Helper()
	type command func(ctx context.Context, name string, args ...string) *exec.Cmd
	for end, in := range map[string]struct {
		run  command
		addr string
	}{authorEnd: {p.AuthorCommand, "fd00::1/64"}, brokerEnd: {p.BrokerCommand, "fd00::2/64"}} {
		output(t, in.run(t.Context(), p.self, "ipv6", end))
		output(t, in.run(t.Context(), "ip", "addr", "add", in.addr, "dev", end, "nodad"))
	}
	return netip.MustParseAddr("fd00::2")
}
