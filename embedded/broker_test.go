package embedded

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cometbench/author"
	"cometbench/eventdb"
	"cometbench/vtp"
)

const deadline = 30 * time.Second

// start runs a broker until the test's end.
func start(t testing.TB, c Config) *Broker {
	t.Helper()
	c.Receive, c.Broadcast = "127.0.0.1:0", "127.0.0.1:0"
	if c.EventDB == "" {
		c.EventDB = t.TempDir()
	}
	b, err := Listen(c)
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
	return vtp.Event{IVOID: fmt.Sprintf("ivo://comet.broker/test#%d", i), AuthorIVOID: "ivo://comet.broker/test", Date: time.Unix(int64(i), 0)}.Append(nil)
}

// answer is a transport message as any reader of XML reads it.
type answer struct {
	Role             vtp.Role `xml:"role,attr"`
	Origin, Response string
	Result           string `xml:"Meta>Result"`
}

// send sends a payload and returns the answer.
func send(t testing.TB, b *Broker, payload []byte) answer {
	t.Helper()
	answer, err := ask(t, b, payload)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func ask(t testing.TB, b *Broker, payload []byte) (a answer, err error) {
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
		b.mu.Lock()
		have := slices.Collect(maps.Keys(b.subscribers))
		b.mu.Unlock()
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
	b := start(t, Config{})
	for _, tt := range []struct {
		name    string
		payload []byte
		want    vtp.Role
	}{
		{"a new event", event(1), vtp.Ack},
		{"the same again", event(1), vtp.Nak},
		{"another", event(2), vtp.Ack},
		{"an event cut short", event(3)[:100], vtp.Nak},
		{"no XML", []byte("hello"), vtp.Nak},
		{"nothing", nil, vtp.Nak},
		{"a transport message", vtp.Transport{Role: vtp.IAmAlive, Origin: "ivo://a/b"}.Append(nil), vtp.Nak},
		{"an author outside the folder", bytes.ReplaceAll(event(4), []byte("comet.broker/test#"), []byte("../../x#")), vtp.Nak},
		{"two documents", append(event(5), event(6)...), vtp.Nak},
	} {
		answer := send(t, b, tt.payload)
		if answer.Role != tt.want || (answer.Result == "") != (tt.want == vtp.Ack) || answer.Response != Identity {
			t.Errorf("%s: %+v, want %s", tt.name, answer, tt.want)
		}
	}
}

func TestGarbage(t *testing.T) {
	b := start(t, Config{Idle: 200 * time.Millisecond})
	for _, bytes := range [][]byte{nil, {0}, {0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 9, 'x'}} {
		c := dial(t, b.ReceiveAddr())
		if _, err := c.Write(bytes); err != nil {
			t.Fatal(err)
		}
		if reply, err := io.ReadAll(c); len(reply) > 0 {
			t.Errorf("%v is answered by %q (%v)", bytes, reply, err)
		}
	}
	// A busy machine may need longer for an exchange than a connection may be
	// silent here.
	for i, end := 1, time.Now().Add(deadline); ; i++ {
		answer, err := ask(t, b, event(i))
		if err == nil && answer.Role == vtp.Ack {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after garbage: %+v, %v", answer, err)
		}
	}
}

// TestBroadcast: subscribers get each new event once, and nothing else; one
// that vanishes and one that doesn't read don't keep the others from it.
func TestBroadcast(t *testing.T) {
	b := start(t, Config{Queue: 16, Lag: 2 * time.Second, Alive: 50 * time.Millisecond})
	good := dial(t, b.BroadcastAddr())
	lazy := dial(t, b.BroadcastAddr()) // never reads
	defer lazy.Close()
	gone := dial(t, b.BroadcastAddr())
	attached(t, b, 3)
	gone.Close()
	attached(t, b, 2)
	const events = 800 // 16 MB, more than sockets buffer
	received := make(chan error, 1)
	alive := 0
	go func() {
		seen := make(map[string]bool)
		var payload []byte
		for len(seen) < events {
			var err error
			if payload, err = vtp.ReadFrame(good, payload); err != nil {
				received <- fmt.Errorf("after %d events: %w", len(seen), err)
				return
			}
			head, err := vtp.ParseHead(payload)
			if err != nil {
				received <- err
				return
			}
			if head.Kind == vtp.KindTransport {
				alive++
				continue
			}
			if seen[string(head.IVOID)] {
				received <- fmt.Errorf("%s twice", head.IVOID)
				return
			}
			seen[string(head.IVOID)] = true
		}
		received <- nil
	}()
	big := bytes.Repeat([]byte(" "), 20_000)
	for i := range events {
		if answer := send(t, b, append(event(i), big...)); answer.Role != vtp.Ack {
			t.Fatalf("event %d: %+v", i, answer)
		}
		if i%100 == 0 {
			send(t, b, event(i)[:50]) // is sent to nobody
		}
	}
	if err := <-received; err != nil {
		t.Fatal(err)
	}
	attached(t, b, 1) // the lazy one was dropped
	if alive == 0 {
		t.Error("no iamalive")
	}
}

// TestSubscribe: broker, subscriber and author as a run has them; the
// subscriber outlives a broker.
func TestSubscribe(t *testing.T) {
	c := Config{EventDB: t.TempDir(), Alive: 20 * time.Millisecond}
	b := start(t, c)
	dir := t.TempDir()
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
	if n, err := count(c.EventDB); err != nil || n != events {
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
	s, err := db.Summary()
	return s.Entries, err
}

func TestListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []Config{
		{Receive: taken.Addr().String(), Broadcast: "127.0.0.1:0", EventDB: t.TempDir()},
		{Receive: "127.0.0.1:0", Broadcast: taken.Addr().String(), EventDB: t.TempDir()},
		{Receive: "127.0.0.1:0", Broadcast: "127.0.0.1:0", EventDB: filepath.Join(t.TempDir(), "missing")},
	} {
		if _, err := Listen(c); err == nil {
			t.Errorf("Listen(%+v) is no error", c)
		}
	}
}

func TestAppendTime(t *testing.T) {
	for _, at := range []time.Time{time.Unix(1795443440, 1800), time.Unix(0, 999999999), time.Unix(1, 0)} {
		got, err := eventdb.ParseTime(appendTime(nil, at))
		if err != nil || !got.Equal(at.Truncate(100*time.Nanosecond)) {
			t.Errorf("%v is written as %s", at, appendTime(nil, at))
		}
	}
}

func BenchmarkSubmit(b *testing.B) {
	store, err := OpenStore(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	broker := &Broker{store: store}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if answer := broker.submit(event(i)); answer.Role != vtp.Ack {
			b.Fatal(answer)
		}
		i++
	}
}
