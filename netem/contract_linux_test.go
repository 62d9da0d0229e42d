package netem

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"cometbench/internal/require"
)

var latencies = []time.Duration{
	500 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond,
}

// TestContract measures both kinds by the same: ping, TCP handshakes, what tc
// lists, and theory.
func TestContract(t *testing.T) {
	for _, kind := range []Kind{Kernel, Userspace} {
		t.Run(string(kind), func(t *testing.T) {
			supported(t, kind)
			t.Run("latency", func(t *testing.T) { testLatency(t, kind) })
			t.Run("killed", func(t *testing.T) { testKilled(t, kind) })
			t.Run("connections", func(t *testing.T) { testConnections(t, kind) })
			t.Run("bulk", func(t *testing.T) { testBulk(t, kind) })
			t.Run("jumbo", func(t *testing.T) { testJumbo(t, kind) })
			t.Run("ipv6", func(t *testing.T) { testIPv6(t, kind) })
			t.Run("foreign", func(t *testing.T) { testForeign(t, kind) })
			if kind == Userspace {
				t.Run("gone", testGone)
			}
		})
	}
}

// supported skips a kind that this kernel doesn't have.
func supported(t testing.TB, kind Kind) {
	t.Helper()
	p := newPlace(t)
	err := p.add(Delay{Interface: p.Interface, OneWay: time.Millisecond, Kind: kind})
	if errors.Is(err, ErrUnsupported) && kind == Kernel {
		require.Missing(t, "sch_netem", err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// add adds a delay in the author's namespace, and removes it again.
func (p *place) add(d Delay) error {
	return inside(p.author, func() error { return addAndRemove(d) })
}

func addAndRemove(d Delay) error {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	e, err := d.add(h)
	if err != nil {
		return err
	}
	_, err = e.remove()
	return err
}

func testLatency(t *testing.T, kind Kind) {
	p := newPlace(t)
	basePing, baseTCP := roundTrip(t, p.pings(t, 50)), roundTrip(t, p.handshakes(t, 50))
	for _, latency := range latencies {
		t.Run(latency.String(), func(t *testing.T) {
			count := 50
			if latency > 100*time.Millisecond {
				count = 5
			}
			d := p.delay(t, kind, latency)
			checkListed(t, p, kind, true)
			check(t, "ping", basePing, latency, func() time.Duration {
				pings := p.ping(t, 50)
				if shortest := slices.Min(pings); shortest < latency-latency/100 { // ping's third digit
					t.Errorf("a ping took %v, want %v or more", shortest, latency)
				}
				return figure(pings)
			})
			check(t, "handshake", baseTCP, latency, p.handshakes(t, count))
			s := p.remove(t, d)
			checkStats(t, s, 50+2*count)
			checkListed(t, p, kind, false)
			undelayed(t, "ping after the delay was removed", basePing, p.pings(t, 20))
			t.Log(describe(s))
		})
	}
}

// checkListed asks tc and ip what is there.
func checkListed(t testing.TB, p *place, kind Kind, there bool) {
	t.Helper()
	require.Command(t, "netem", "tc")
	listed := p.run(t, "tc", "qdisc", "show", "dev", p.Interface) + p.run(t, "ip", "-o", "link")
	for _, sign := range map[Kind][]string{Kernel: {"netem"}, Userspace: {"clsact", "cbd"}}[kind] {
		if strings.Contains(listed, sign) != there {
			t.Errorf("%s is listed: got %v, want %v:\n%s", sign, !there, there, listed)
		}
	}
}

// testKilled kills the process of a delay. The kernel's delay outlives it, and
// what the process had in its queue is lost. No packet passes undelayed, and the
// next delay clears up.
func testKilled(t *testing.T, kind Kind) {
	p := newPlace(t)
	const latency = 20 * time.Millisecond
	base := roundTrip(t, p.handshakes(t, 20))
	d := p.delay(t, kind, latency)
	check(t, "before the process was killed", base, latency, p.handshakes(t, 10))
	d.kill()
	err := inside(p.author, func() error {
		patience := 500 * time.Millisecond // for an answer that never comes
		if kind == Kernel {
			patience = 5 * time.Second
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		took, err := handshake(ctx, p.server) // RTT would leave this thread, and its namespace
		if err == nil && took < latency {
			t.Errorf("got a handshake of %v after the process was killed, want %v or more", took, latency)
		}
		return err
	})
	if kind == Kernel && err != nil {
		t.Errorf("after the process was killed: %v", err)
	}
	var timeout net.Error
	if kind == Userspace && (!errors.As(err, &timeout) || !timeout.Timeout()) {
		t.Errorf("after the process was killed a handshake ends with %v, want a timeout", err)
	}
	d = p.delay(t, kind, latency)
	check(t, "with the next delay", base, latency, p.handshakes(t, 10))
	p.remove(t, d)
	undelayed(t, "after all", base, p.handshakes(t, 20))
}

func testConnections(t *testing.T, kind Kind) {
	p := newPlace(t)
	const conns = 512
	events := 10 * conns
	if slow() {
		events = 2 * conns
	}
	rate := func(l loaded) float64 { return float64(l.Answered) / l.Elapsed.Seconds() }
	free := rate(p.load(t, conns, events, 1000))
	for _, latency := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond} {
		d := p.delay(t, kind, latency)
		var got float64
		measure := func() { got = rate(p.lossless(t, conns, events, 1000)) }
		// Each event takes two delayed ways, and the time that it takes without
		// a delay. Where the machine is the limit, it has no rate to spare for
		// the delay itself, and no rate is too low.
		ways := (2 * latency).Seconds()
		least, most := 0.0, 1.02*conns/ways
		if conns/ways < 0.5*free {
			least = 0.8 * conns / (ways + conns/free)
			undisturbed(t, lateness.slowed, measure)
		} else {
			measure()
		}
		t.Logf("%v: %.0f events/s, %.0f without delay", latency, got, free)
		if got < least || got > most {
			t.Errorf("%v: got %.0f events/s, want %.0f to %.0f", latency, got, least, most)
		}
		s := p.remove(t, d)
		checkStats(t, s, 4*events)
		t.Log(describe(s))
	}
}

// testBulk sends what the kernel would hand over in packets of 64 KiB without
// checksums.
func testBulk(t *testing.T, kind Kind) {
	p := newPlace(t)
	d := p.delay(t, kind, time.Millisecond)
	p.lossless(t, 4, 16, 1<<20)
	s := p.remove(t, d)
	checkStats(t, s, 1)
	if kind == Userspace && s.In < 16<<20/1500 {
		t.Errorf("got %d packets for 16 MiB, want segments of 1,500 bytes or less", s.In)
	}
}

func testJumbo(t *testing.T, kind Kind) {
	p := newPlace(t)
	p.run(t, "ip", "link", "set", p.Interface, "mtu", "9000")
	output(t, p.BrokerCommand(t.Context(), "ip", "link", "set", brokerEnd, "mtu", "9000"))
	large := p.pings(t, 20, "-s", "8972", "-M", "do")
	base := roundTrip(t, large)
	d := p.delay(t, kind, 5*time.Millisecond)
	check(t, "large ping", base, 5*time.Millisecond, large)
	p.lossless(t, 4, 16, 1<<20)
	checkStats(t, p.remove(t, d), 20)
}

func testIPv6(t *testing.T, kind Kind) {
	p := newPlace(t)
	p.BrokerAddr = p.ipv6(t)
	p.server = p.serve(t, "serve")
	base, basePing := roundTrip(t, p.handshakes(t, 20)), roundTrip(t, p.pings(t, 20))
	d := p.delay(t, kind, 10*time.Millisecond)
	check(t, "handshake", base, 10*time.Millisecond, p.handshakes(t, 20))
	check(t, "ping", basePing, 10*time.Millisecond, p.pings(t, 20))
	checkStats(t, p.remove(t, d), 40)
}

// testGone takes the interface down, which ends the delay in user space only.
func testGone(t *testing.T) {
	p := newPlace(t)
	d := p.delay(t, Userspace, time.Millisecond)
	p.run(t, "ip", "link", "set", p.Interface, "down")
	var s Stats
	d.read(t, &s)
	d.ended = true
	if err := d.cmd.Wait(); err == nil || !strings.Contains(d.stderr.String(), "went down or away") {
		t.Errorf("got %v and %q, want an error: the interface went down", err, &d.stderr)
	}
}

// testForeign adds a delay to an interface that has something of another's, which
// must stay.
func testForeign(t *testing.T, kind Kind) {
	p := newPlace(t)
	if kind == Kernel {
		p.run(t, "tc", "qdisc", "add", "dev", p.Interface, "root", "handle", "7:", "pfifo")
	} else {
		p.run(t, "tc", "qdisc", "add", "dev", p.Interface, "clsact")
		p.run(t, "tc", "filter", "add", "dev", p.Interface, "ingress", "u32", "match", "u32", "0", "0", "flowid", "1:1")
	}
	err := p.add(Delay{Interface: p.Interface, OneWay: time.Millisecond, Kind: kind})
	if err == nil || !strings.Contains(err.Error(), "take it away first") {
		t.Errorf("got %v, want an error that names what is there", err)
	}
}
