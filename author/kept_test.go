package author

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cometbench/vtp"
)

// keeping answers so many events on each connection, and then closes it. It counts
// connections. Before each answer it sends a sign of life, in one write with it.
func keeping(connections *atomic.Int32, events int, each func(payload []byte)) func(net.Conn) {
	return func(c net.Conn) {
		connections.Add(1)
		for range events {
			payload, err := vtp.ReadFrame(c, nil)
			if err != nil {
				return
			}
			head, err := vtp.ParseHead(payload)
			if err != nil {
				return
			}
			each(payload)
			c.Write(append(alive(""), ack(string(head.IVOID))...))
		}
	}
}

// TestKeepOpen: all events go over as many connections as are wanted, each once.
func TestKeepOpen(t *testing.T) {
	for size, events := range map[int]int{0: 300, 300_000: 20} { // which is more than a socket takes at once
		const conns = 7
		var connections atomic.Int32
		var mu sync.Mutex
		seen := make(map[string]bool)
		addr := serve(t, keeping(&connections, events, func(payload []byte) {
			head, _ := vtp.ParseHead(payload)
			mu.Lock()
			seen[string(bytes.Clone(head.IVOID))] = true
			mu.Unlock()
		}))
		c := Config{Addr: addr, Conns: conns, Events: events, KeepOpen: true, Size: size}
		r, err := Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if r.Acked != events || len(seen) != events || connections.Load() != conns {
			t.Errorf("got %d acks of %d events over %d connections", r.Acked, len(seen), connections.Load())
		}
	}
}

// TestKeepOpenClosed: where the broker closes after all, events that it didn't
// answer have failed, and the others go over new connections.
func TestKeepOpenClosed(t *testing.T) {
	var connections atomic.Int32
	addr := serve(t, keeping(&connections, 2, func([]byte) {}))
	r, err := Run(t.Context(), Config{Addr: addr, Conns: 2, Events: 60, KeepOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Acked+r.Failures[Reset.String()] != 60 || r.Acked < 30 {
		t.Errorf("got %+v", r)
	}
}

func TestTryKeptOpen(t *testing.T) {
	for _, tt := range []struct {
		events int
		want   string
	}{
		{2, ""}, {1, "the broker closes the connection after its ack"}, {0, "one event: "},
	} {
		var connections atomic.Int32
		addr := serve(t, keeping(&connections, tt.events, func([]byte) {}))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		err := TryKeptOpen(ctx, addr)
		cancel()
		if got := ""; err != nil {
			if got = err.Error(); tt.want == "" || !strings.HasPrefix(got, tt.want) {
				t.Errorf("%d events a connection: got %v, want %q", tt.events, err, tt.want)
			}
		} else if tt.want != "" {
			t.Errorf("%d events a connection: want %q", tt.events, tt.want)
		}
	}
	hanging := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := TryKeptOpen(ctx, hanging); err == nil {
		t.Error("got no error of a broker that doesn't answer")
	}
}
