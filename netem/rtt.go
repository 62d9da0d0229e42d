package netem

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// stagger is how long after a handshake the next one begins at the latest. It is
// many times what a handshake needs of a processor, so that none meets another
// there; and where latency is long, 25 of them take hardly longer than one.
const stagger = 4 * time.Millisecond

// RTT measures the round trip to a listening TCP address by count handshakes, and
// returns how long each took. The next one begins when the one before is over, or a
// few milliseconds after its start. No byte is sent over the connections. Each
// handshake has the context's deadline, or 10 s without one.
func RTT(ctx context.Context, addr string, count int) ([]time.Duration, error) {
	if count <= 0 {
		return nil, fmt.Errorf("handshakes with %s: got %d, want 1 or more", addr, count)
	}
	resolved, err := resolve(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("round trip to %s: %w", addr, err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	samples := make([]time.Duration, count)
	var all sync.WaitGroup
	for i := range count {
		over := make(chan struct{})
		all.Go(func() {
			defer close(over)
			var err error
			if samples[i], err = handshake(ctx, resolved); err != nil {
				cancel(fmt.Errorf("round trip to %s, handshake %d of %d: %w", addr, i+1, count, err))
			}
		})
		select {
		case <-over:
		case <-time.After(stagger):
		}
		if ctx.Err() != nil {
			break
		}
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return samples, nil
}

// resolve looks the host up beforehand, so that the time this takes isn't
// measured.
func resolve(ctx context.Context, addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return addr, nil
	}
	addrs, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(addrs[0], port), nil
}

func handshake(ctx context.Context, addr string) (time.Duration, error) {
	dialer := net.Dialer{}
	if _, ok := ctx.Deadline(); !ok {
		dialer.Timeout = 10 * time.Second
	}
	begun := time.Now()
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	took := time.Since(begun)
	if err != nil {
		return 0, err
	}
	return took, conn.Close()
}

// Tolerance returns by how much a measured round trip may differ from want: 2 %
// of it or 0.3 ms, whichever is larger.
func Tolerance(want time.Duration) time.Duration {
	return max(want/50, 300*time.Microsecond)
}

// CheckRTT returns an error unless the delay oneWay is in force: unless the
// median round trip rtt is the undelayed one, base, plus oneWay, within
// [Tolerance]. (Only one side is delayed, so a round trip meets the delay once.)
// No packet leaves early, so rtt must not be below oneWay. Where the delay is
// less than the tolerance, at least half of it must show.
func CheckRTT(base, rtt, oneWay time.Duration) error {
	want := base + oneWay
	longer := Tolerance(want)
	shorter := longer
	if oneWay > 0 {
		shorter = min(longer, base, oneWay/2)
	}
	if rtt < want-shorter || rtt > want+longer {
		return fmt.Errorf("round trip: got %v, want %v (%v without the delay, and %v one way), at most %v less or "+
			"%v more",
			rtt, want, base, oneWay, shorter, longer)
	}
	return nil
}
