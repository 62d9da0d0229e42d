package embedded

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/author"
	"cometbench/eventdb"
	"cometbench/vtp"
)

const deadline = 30 * time.Second

// start runs a broker until the test's end, with its databases in a folder.
func start(t testing.TB, dir string, l limits) *Broker {
	t.Helper()
	b, err := listen(Config{Receive: "127.0.0.1:0", Broadcast: "127.0.0.1:0", EventDB: dir}, l)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(deadline):
			t.Error("the broker doesn't end")
		}
	})
	return b
}

func dial(t testing.TB, addr net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func event(i int) []byte {
	const from = "ivo://comet.broker/test"
	return vtp.Event{IVOID: fmt.Sprintf("%s#%d", from, i), AuthorIVOID: from, Date: time.Unix(int64(i), 0)}.Append(nil)
}

// transport is a transport message as any reader of XML reads it.
type transport struct {
	Role             vtp.Role `xml:"role,attr"`
	Origin, Response string
	Result           string `xml:"Meta>Result"`
}

// send sends a payload and returns the answer.
func send(t testing.TB, b *Broker, payload []byte) transport {
	t.Helper()
	answer, err := ask(t, b, payload)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func ask(t testing.TB, b *Broker, payload []byte) (a transport, err error) {
	t.Helper()
	c := dial(t, b.ReceiveAddr())
	defer c.Close()
	if _, err := c.Write(vtp.AppendFrame(nil, payload)); err != nil {
		return a, err
	}
	reply, err := vtp.ReadFrame(c, nil)
	if err != nil {
		return a, err
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		return a, fmt.Errorf("after the answer: got %d bytes, %v, want the end", len(rest), err)
	}
	return a, xml.Unmarshal(reply, &a)
}

// attached waits until n subscribers are, all of them since others were, and
// returns them.
func attached(t testing.TB, b *Broker, n int, others ...*subscription) []*subscription {
	t.Helper()
	for end := time.Now().Add(deadline); ; time.Sleep(time.Millisecond) {
		b.broadcast.mu.Lock()
		have := slices.Collect(maps.Keys(b.broadcast.subscribers))
		b.broadcast.mu.Unlock()
		old := slices.ContainsFunc(have, func(s *subscription) bool { return slices.Contains(others, s) })
		if len(have) == n && !old {
			return have
		}
		if time.Now().After(end) {
			t.Fatalf("%d subscribers, want %d", len(have), n)
		}
	}
}

func TestAnswers(t *testing.T) {
	b := start(t, t.TempDir(), usual())
	const ours = "ivo://comet.broker/test#"
	for _, tt := range []struct {
		name    string
		payload []byte
		want    vtp.Role
		origin  string
	}{
		{"a new event", event(1), vtp.Ack, ours + "1"},
		{"the same again", event(1), vtp.Nak, ours + "1"},
		{"another", event(2), vtp.Ack, ours + "2"},
		{"an event cut short", event(3)[:100], vtp.Nak, ""},
		{"an event of version 1.1", bytes.ReplaceAll(event(3), []byte("v2.0"), []byte("v1.1")), vtp.Nak, ours + "3"},
		{"no XML", []byte("hello"), vtp.Nak, ""},
		{"nothing", nil, vtp.Nak, ""},
		{"a transport message", vtp.Transport{Role: vtp.IAmAlive, Origin: "ivo://a/b"}.Append(nil), vtp.Nak, ""},
		{"an author outside the folder", bytes.ReplaceAll(event(4), []byte("comet.broker/test#"), []byte("../../x#")),
			vtp.Nak, "ivo://../../x#4"},
		{"two documents", append(event(5), event(6)...), vtp.Nak, ""},
		{"a long IVOID", bytes.ReplaceAll(event(7), []byte("#7"), append([]byte("#"), make([]byte, vtp.MaxIVOID)...)),
			vtp.Nak, ""},
		{"a long element", fmt.Appendf(nil, "<%s/>", bytes.Repeat([]byte("x"), vtp.MaxPayload-3)), vtp.Nak, ""},
	} {
		got := send(t, b, tt.payload)
		if got.Role != tt.want || got.Origin != tt.origin ||
			(got.Result == "") != (tt.want == vtp.Ack) || got.Response != brokerIVOID {
			t.Errorf("%s: got %+v, want %s of %q", tt.name, got, tt.want, tt.origin)
		}
	}
}

func TestGarbage(t *testing.T) {
	b := start(t, t.TempDir(), usual())
	for _, bytes := range [][]byte{nil, {0}, {0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 9, 'x'}} {
		c := dial(t, b.ReceiveAddr())
		if _, err := c.Write(bytes); err != nil {
			t.Fatal(err)
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if reply, err := io.ReadAll(c); len(reply) > 0 {
			t.Errorf("%v is answered by %q (%v)", bytes, reply, err)
		}
	}
	if got := send(t, b, event(1)); got.Role != vtp.Ack {
		t.Errorf("after garbage: got %+v", got)
	}
}

// TestIdle: who connects and sends nothing is let go.
func TestIdle(t *testing.T) {
	l := usual()
	l.idle = 10 * time.Millisecond
	b := start(t, t.TempDir(), l)
	if reply, err := io.ReadAll(dial(t, b.ReceiveAddr())); err != nil || len(reply) > 0 {
		t.Errorf("got %q, %v, want the end", reply, err)
	}
}

// TestBrokenDisk: a broker that can't keep events ends with the reason; the
// author learns nothing of this machine.
func TestBrokenDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "databases")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := Listen(Config{Receive: "127.0.0.1:0", Broadcast: "127.0.0.1:0", EventDB: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if reply := b.submit(event(1)); reply.Role != vtp.Nak || strings.Contains(reply.Result, dir) {
		t.Errorf("got %+v, want a nak without a path", reply)
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := b.Serve(ctx); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that the folder is gone", err)
	}
}

// TestBroadcast: subscribers get each new event once, and nothing else. Those
// that vanish or never read keep nobody from it, and memory stays bounded.
func TestBroadcast(t *testing.T) {
	l := usual()
	l.backlog, l.alive = 1<<20, 50*time.Millisecond
	b := start(t, t.TempDir(), l)
	good := dial(t, b.BroadcastAddr())
	const lazy = 3
	for range lazy {
		dial(t, b.BroadcastAddr()) // never reads
	}
	gone := dial(t, b.BroadcastAddr())
	attached(t, b, lazy+2)
	gone.Close()
	attached(t, b, lazy+1)
	const events = 800 // 16 MB, more than sockets buffer
	received := make(chan string)
	failed := make(chan error, 1)
	alive := false
	go func() {
		defer close(received)
		var payload []byte
		for n := 0; n < events; {
			var err error
			if payload, err = vtp.ReadFrame(good, payload); err != nil {
				failed <- fmt.Errorf("after %d events: %w", n, err)
				return
			}
			head, err := vtp.ParseHead(payload)
			if err != nil {
				failed <- err
				return
			}
			if head.Kind == vtp.KindTransport {
				alive = true
				continue
			}
			n++
			received <- string(head.IVOID)
		}
	}()
	big := bytes.Repeat([]byte(" "), 20_000)
	for i := range events {
		if got := send(t, b, append(event(i), big...)); got.Role != vtp.Ack {
			t.Fatalf("event %d: got %+v", i, got)
		}
		if i%100 == 0 {
			send(t, b, event(i)[:50]) // is sent to nobody
		}
		want := fmt.Sprintf("ivo://comet.broker/test#%d", i)
		if got, ok := <-received; got != want {
			if !ok {
				t.Fatal(<-failed)
			}
			t.Fatalf("got %s, want %s", got, want)
		}
		b.broadcast.mu.Lock()
		if b.broadcast.size > l.backlog {
			t.Fatalf("%d bytes wait, want at most %d", b.broadcast.size, l.backlog)
		}
		b.broadcast.mu.Unlock()
	}
	attached(t, b, 1) // the lazy ones were dropped
	if !alive {
		t.Error("got no iamalive")
	}
}

// TestUnacked: a subscriber that reads and never acks is dropped.
func TestUnacked(t *testing.T) {
	l := usual()
	l.lag = 20 * time.Millisecond
	b := start(t, t.TempDir(), l)
	c := dial(t, b.BroadcastAddr())
	attached(t, b, 1)
	if got := send(t, b, event(1)); got.Role != vtp.Ack {
		t.Fatalf("got %+v", got)
	}
	if all, err := io.ReadAll(c); err != nil || len(all) != vtp.HeaderSize+len(event(1)) {
		t.Errorf("got %d bytes, %v, want the event and the end", len(all), err)
	}
}

// TestAcks: each second some events are sent, and then some acked.
func TestAcks(t *testing.T) {
	var a acks
	for i, tt := range []struct {
		sent, acked int
		oldest      int64 // when the oldest unacked event was sent; -1: there is none
	}{
		{0, 0, -1}, {2, 0, 1}, {3, 1, 1}, {0, 1, 2}, {1, 3, 4}, {0, 1, -1},
		{0, 5, -1}, // more acks than events
		{1, 0, 7},
	} {
		if tt.sent > 0 {
			a.send(tt.sent, time.Unix(int64(i), 0))
		}
		for range tt.acked {
			a.receive()
		}
		want := time.Time{}
		if tt.oldest >= 0 {
			want = time.Unix(tt.oldest, 0)
		}
		if got := a.oldest(); !got.Equal(want) {
			t.Errorf("second %d: got %v, want %v", i, got, want)
		}
	}
}

// TestSubscribe: broker, subscriber and author as a run has them; the
// subscriber outlives a broker.
func TestSubscribe(t *testing.T) {
	l := usual()
	l.alive = 20 * time.Millisecond
	brokerDir, dir := t.TempDir(), t.TempDir()
	b := start(t, brokerDir, l)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Subscribe(ctx, SubscriberConfig{Remote: b.BroadcastAddr().String(), EventDB: dir}) }()
	first := attached(t, b, 1)
	first[0].conn.Close() // it comes again
	attached(t, b, 1, first...)
	const events = 2000
	r, err := author.Run(t.Context(), author.Config{Addr: b.ReceiveAddr().String(), Conns: 64, Events: events})
	if err != nil || r.Acked != events {
		t.Fatalf("%+v, %v", r, err)
	}
	for end := time.Now().Add(deadline); ; time.Sleep(5 * time.Millisecond) {
		n, err := count(dir)
		if err == nil && n == events {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the subscriber has %d events, %v", n, err)
		}
	}
	if n, err := count(brokerDir); err != nil || n != events {
		t.Errorf("the broker has %d events, %v", n, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func count(dir string) (int, error) {
	db, err := eventdb.Open(filepath.Join(dir, "comet.broker_test"))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	s, err := db.Summary(context.Background())
	return s.Entries, err
}

func TestListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	used := t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "comet.broker_test"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{
		{Receive: "127.0.0.1:0", Broadcast: "127.0.0.1:0", EventDB: used},
		{Receive: taken.Addr().String(), Broadcast: "127.0.0.1:0", EventDB: t.TempDir()},
		{Receive: "127.0.0.1:0", Broadcast: taken.Addr().String(), EventDB: t.TempDir()},
		{Receive: "127.0.0.1:0", Broadcast: "127.0.0.1:0", EventDB: filepath.Join(t.TempDir(), "missing")},
	} {
		if _, err := Listen(c); err == nil {
			t.Errorf("Listen(%+v) is no error", c)
		}
	}
}

func BenchmarkSubmit(b *testing.B) {
	store, err := openStore(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer store.close()
	broker := &Broker{store: store}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if reply := broker.submit(event(i)); reply.Role != vtp.Ack {
			b.Fatal(reply)
		}
		i++
	}
}
