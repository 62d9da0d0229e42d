package netem

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"cometbench/author"
)

// probes is how many packets one measurement of delays sends.
const probes = 200

// BenchmarkDelay measures how exact delays are, by packets of its own: from the
// sender's clock, read before the packet is sent, to the kernel's time stamp
// where it arrives. Both are of the same machine. The time that a packet takes
// without a delay (latency=0) is part of every figure.
//
//	go test -run '^$' -bench Delay -benchtime 10x ./netem
func BenchmarkDelay(b *testing.B) {
	for _, kind := range []Kind{Kernel, Userspace} {
		b.Run("netem="+string(kind), func(b *testing.B) {
			supported(b, kind)
			for _, latency := range append([]time.Duration{0}, latencies...) {
				b.Run("latency="+latency.String(), func(b *testing.B) { benchmarkDelay(b, kind, latency) })
			}
		})
	}
}

func benchmarkDelay(b *testing.B, kind Kind, latency time.Duration) {
	p := newPlace(b)
	if latency > 0 {
		d := p.delay(b, kind, latency)
		defer func() {
			s := p.remove(b, d)
			checkStats(b, s, probes)
			b.ReportMetric(float64(s.CPU.Nanoseconds())/float64(s.Out), "cpu-ns/packet")
		}()
	}
	var errs []time.Duration
	for b.Loop() {
		delays, err := p.probe(b.Context(), latency)
		if err != nil {
			b.Fatal(err)
		}
		for _, d := range delays {
			errs = append(errs, d-latency)
		}
	}
	slices.Sort(errs)
	var sum time.Duration
	for _, e := range errs {
		sum += e
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(errs[0]), "min-error-ns")
	b.ReportMetric(float64(sum)/float64(len(errs)), "mean-error-ns")
	b.ReportMetric(float64(errs[len(errs)*99/100]), "p99-error-ns")
	b.ReportMetric(float64(errs[len(errs)-1]), "max-error-ns")
}

// probe sends packets from the author's to the broker's namespace, some
// milliseconds apart, and returns how long each was on its way.
func (p *place) probe(ctx context.Context, latency time.Duration) ([]time.Duration, error) {
	var far, near int
	err := inside(p.broker, func() (err error) {
		far, err = datagrams(p.BrokerAddr)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer unix.Close(far)
	if err := unix.SetsockoptInt(far, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return nil, err
	}
	to, err := unix.Getsockname(far)
	if err != nil {
		return nil, err
	}
	err = inside(p.author, func() (err error) {
		near, err = datagrams(p.AuthorAddr)
		return err
	})
	if err != nil {
		return nil, err
	}
	defer unix.Close(near)
	for n := range uint32(probes) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		packet := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
		packet = binary.BigEndian.AppendUint32(packet, n)
		if err := unix.Sendto(near, packet, 0, to); err != nil {
			return nil, fmt.Errorf("send packet %d: %w", n, err)
		}
		// Not in step with any clock.
		time.Sleep(time.Millisecond + rand.N(3*time.Millisecond))
	}
	deadline := unix.NsecToTimeval(int64(latency + 5*time.Second))
	if err := unix.SetsockoptTimeval(far, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &deadline); err != nil {
		return nil, err
	}
	delays := make([]time.Duration, probes)
	for n := range delays {
		if delays[n], err = receive(far, uint32(n)); err != nil {
			return nil, fmt.Errorf("receive packet %d of %d: %w", n, probes, err)
		}
	}
	return delays, nil
}

// datagrams opens a UDP socket on an address.
func datagrams(addr netip.Addr) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: addr.As4()}); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// receive receives packet number want and returns how long it was on its way.
func receive(fd int, want uint32) (time.Duration, error) {
	var packet [12]byte
	control := make([]byte, 64)
	n, controlled, _, _, err := unix.Recvmsg(fd, packet[:], control, 0)
	for err == unix.EINTR { // by Go's own signals
		n, controlled, _, _, err = unix.Recvmsg(fd, packet[:], control, 0)
	}
	if err != nil {
		return 0, err
	}
	if got := binary.BigEndian.Uint32(packet[8:]); n != len(packet) || got != want {
		return 0, fmt.Errorf("got %d bytes of packet %d, want packet %d: packets were lost or reordered", n, got, want)
	}
	messages, err := unix.ParseSocketControlMessage(control[:controlled])
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_TIMESTAMPNS {
			stamp := (*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			return time.Duration(stamp.Nano() - int64(binary.BigEndian.Uint64(packet[:]))), nil
		}
	}
	return 0, fmt.Errorf("packet %d has no time stamp", want)
}

// BenchmarkConnections measures the author against the embedded broker through
// a delay, and compares its rate with theory: each connection carries one event,
// which takes two delayed ways.
//
//	go test -run '^$' -bench Connections -benchtime 5x ./netem
func BenchmarkConnections(b *testing.B) {
	for _, kind := range []Kind{Kernel, Userspace} {
		b.Run("netem="+string(kind), func(b *testing.B) {
			supported(b, kind)
			for _, latency := range []time.Duration{10 * time.Millisecond, 100 * time.Millisecond} {
				for _, conns := range []int{1, 64, 512} {
					b.Run(fmt.Sprintf("latency=%v/conns=%d", latency, conns), func(b *testing.B) {
						benchmarkConnections(b, kind, latency, conns)
					})
				}
			}
		})
	}
}

func benchmarkConnections(b *testing.B, kind Kind, latency time.Duration, conns int) {
	events := max(10, conns*20)
	var acked, packets int
	var elapsed, cpu, late, rtt time.Duration
	for b.Loop() {
		// A place has ports for 64,000 connections per minute.
		p := newPlace(b)
		p.server = p.serve(b, "broker")
		rtt = p.rtt(b, 30) + latency
		d := p.delay(b, kind, latency)
		var report author.Report
		p.json(b, &report, "author", "-addr", p.server, "-conns", strconv.Itoa(conns), "-events", strconv.Itoa(events))
		if report.Acked != events {
			b.Errorf("%d of %d events were acked: %v", report.Acked, events, report.Failures)
		}
		s := p.remove(b, d)
		checkStats(b, s, events)
		acked += report.Acked
		elapsed += report.Elapsed
		packets += int(s.Lateness.n())
		cpu += s.CPU
		late += s.Lateness.Sum
	}
	rate := float64(acked) / elapsed.Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rate, "events/s")
	b.ReportMetric(rate*(2*latency).Seconds()/float64(conns), "share-of-conns/2L")
	b.ReportMetric(rate*(2*rtt).Seconds()/float64(conns), "theory-ratio")
	b.ReportMetric(cpu.Seconds()/elapsed.Seconds(), "cpu-share")
	b.ReportMetric(float64(late)/float64(max(packets, 1)), "mean-lateness-ns")
}
