package embedded

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cometbench/vtp"
)

// TestAudience: each of many subscribers gets each event, and it is noted when the
// first and the last did.
func TestAudience(t *testing.T) {
	b, err := Listen(Config{Receive: "127.0.0.1:0", Broadcast: "127.0.0.1:0", EventDB: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	ended := make(chan error, 2)
	go func() { ended <- b.Serve(ctx) }()
	file := filepath.Join(t.TempDir(), "deliveries")
	const members, events = 100, 20
	attached := make(chan struct{})
	go func() {
		ended <- Audience(ctx, AudienceConfig{b.BroadcastAddr().String(), members, file}, func() error {
			close(attached)
			return nil
		})
	}()
	<-attached
	for { // the last one may be connected and not attached
		b.broadcast.mu.Lock()
		n := len(b.broadcast.subscribers)
		b.broadcast.mu.Unlock()
		if n == members {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(ctx.Err())
		}
		time.Sleep(time.Millisecond)
	}
	begun := time.Now()
	var sums [][sha1.Size]byte
	for i := range events {
		e := vtp.Event{IVOID: fmt.Sprintf("ivo://a.b/c#%d", i), Role: vtp.Test}.Append(nil)
		if reply := b.submit(e); reply.Role != vtp.Ack {
			t.Fatal(reply)
		}
		sums = append(sums, sha1.Sum(e))
	}
	for {
		var d *Deliveries
		text, err := os.ReadFile(file)
		if err == nil {
			d, err = ReadDeliveries(text)
		}
		whole := 0
		if err == nil {
			for _, sum := range sums {
				e := d.Events[sum]
				if e.Count == members {
					whole++
				}
				if e.Count > 0 && (e.Author != "ivo://a.b/c" || e.First.Before(begun) || e.Last.Before(e.First) ||
					e.Last.After(time.Now())) {
					t.Fatalf("got %+v of an event after %v", e, begun)
				}
			}
		}
		if whole == events {
			if d.Subscribers != members || d.Again != 0 || len(d.Events) != events {
				t.Errorf("got %d subscribers, %d again, %d events", d.Subscribers, d.Again, len(d.Events))
			}
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("%d of %d events reached all: %v", whole, events, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestAgain: an event that a subscriber gets again counts once, and is acked again.
func TestAgain(t *testing.T) {
	c := &audience{members: 70, arrivals: make(map[[sha1.Size]byte]*arrivals)}
	event := vtp.Event{IVOID: "ivo://a.b/c#1", Role: vtp.Test}.Append(nil)
	alive := vtp.Transport{Role: vtp.IAmAlive, Origin: "ivo://a.b/c"}.Append(nil)
	for _, number := range []int{69, 0, 69, 1} {
		for message, role := range map[string]vtp.Role{string(event): vtp.Ack, string(alive): vtp.IAmAlive} {
			out, err := c.answer(number, nil, []byte(message))
			if err != nil {
				t.Fatal(err)
			}
			if head, err := vtp.ParseHead(out[vtp.HeaderSize:]); err != nil || head.Role != role {
				t.Errorf("got answer %s, %v, want %s", out, err, role)
			}
		}
	}
	d := c.deliveries()
	if got := d.Events[sha1.Sum(event)]; len(d.Events) != 1 || got.Count != 3 || got.Author != "ivo://a.b/c" {
		t.Errorf("got %+v", d)
	}
	out, err := c.answer(5, nil, []byte("<x>"))
	if head, _ := vtp.ParseHead(out[vtp.HeaderSize:]); err != nil || head.Role != vtp.Nak || len(c.arrivals) != 1 {
		t.Errorf("got answer %s, %v to no message", out, err)
	}
}

func TestDeliveries(t *testing.T) {
	want := &Deliveries{Subscribers: 3, Again: 1, Events: map[[sha1.Size]byte]Delivery{
		sha1.Sum([]byte("a")): {"ivo://a.b/c", 3, time.Unix(0, 1), time.Unix(0, 2)},
		sha1.Sum([]byte("b")): {"ivo://a.b/d", 1, time.Unix(0, 3), time.Unix(0, 3)},
	}}
	text := want.append(nil)
	got, err := ReadDeliveries(text)
	if err != nil || got.Subscribers != 3 || got.Again != 1 || !maps.Equal(got.Events, want.Events) {
		t.Errorf("got %+v, %v", got, err)
	}
	for n := range len(text) {
		if got, err := ReadDeliveries(text[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("of %d bytes: got %+v, %v", n, got, err)
		}
	}
	if got, err := ReadDeliveries(append(text, '\n')); err == nil {
		t.Errorf("got %+v", got)
	}
}

func FuzzReadDeliveries(f *testing.F) {
	f.Add([]byte("da39a3ee5e6b4b0d3255bfef95601890afd80709 1 2 3 ivo://a.b/c\nend 1 0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ReadDeliveries(text)
		if err != nil {
			return
		}
		if again, err := ReadDeliveries(d.append(nil)); err != nil || !maps.Equal(again.Events, d.Events) {
			t.Errorf("got %+v, %v, want %+v", again, err, d)
		}
	})
}
