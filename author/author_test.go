package author

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cometbench/vtp"
)

// serve listens on loopback and hands each connection to handle, in a
// goroutine of its own. Everything has ended at the test's end.
func serve(t testing.TB, handle func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	conns := make(map[net.Conn]bool)
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[c] = true
			mu.Unlock()
			all.Go(func() {
				handle(c)
				c.Close()
				mu.Lock()
				delete(conns, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range conns {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return l.Addr().String()
}

// answering reads an event and sends what reply makes of its IVOID.
func answering(reply func(ivoid string) []byte) func(net.Conn) {
	return func(c net.Conn) {
		payload, err := vtp.ReadFrame(c, nil)
		if err != nil {
			return
		}
		head, err := vtp.ParseHead(payload)
		if err != nil {
			return
		}
		c.Write(reply(string(head.IVOID)))
		io.Copy(io.Discard, c) // the author closes first
	}
}

// frame is that of a transport message.
func frame(m vtp.Transport) []byte { return vtp.AppendFrame(nil, m.Append(nil)) }

func ack(ivoid string) []byte {
	return frame(vtp.Transport{Role: vtp.Ack, Origin: ivoid, TimeStamp: time.Unix(0, 0)})
}

func nak(ivoid string) []byte {
	reason := strings.Repeat("no ", 10_000)
	return frame(vtp.Transport{Role: vtp.Nak, Origin: ivoid, TimeStamp: time.Unix(0, 0), Result: reason})
}

func alive(string) []byte {
	return frame(vtp.Transport{Role: vtp.IAmAlive, Origin: "ivo://a/b", TimeStamp: time.Unix(0, 0)})
}

func TestOutcomes(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, tt := range []struct {
		name string
		addr string
		want Outcome
	}{
		{"acks", serve(t, answering(ack)), Acked},
		{"acks and closes", serve(t, func(c net.Conn) {
			payload, _ := vtp.ReadFrame(c, nil)
			head, _ := vtp.ParseHead(payload)
			c.Write(ack(string(head.IVOID)))
		}), Acked},
		{"naks at length", serve(t, answering(nak)), Nakked},
		{"naks what it can't read", serve(t, answering(func(string) []byte { return nak("") })), Nakked},
		{"is alive, and acks", serve(t, answering(func(ivoid string) []byte {
			return append(alive(""), ack(ivoid)...)
		})), Acked},
		{"is alive at first", serve(t, func(c net.Conn) {
			c.Write(alive(""))
			answering(ack)(c)
		}), Acked},
		{"acks with a byte order mark", serve(t, answering(func(ivoid string) []byte {
			return vtp.AppendFrame(nil, append([]byte("\ufeff"), ack(ivoid)[vtp.HeaderSize:]...))
		})), Acked},
		{"acks another event", serve(t, answering(func(ivoid string) []byte { return ack(ivoid + "0") })), WrongAnswer},
		{"acks no event", serve(t, answering(func(string) []byte { return ack("") })), WrongAnswer},
		{"naks another event", serve(t, answering(func(ivoid string) []byte { return nak(ivoid + "0") })), WrongAnswer},
		{"acks before it reads", serve(t, func(c net.Conn) {
			c.Write(ack("ivo://a/b#1"))
			io.Copy(io.Discard, c)
		}), WrongAnswer},
		{"sends an event", serve(t, answering(func(ivoid string) []byte {
			return vtp.AppendFrame(nil, vtp.Event{IVOID: ivoid}.Append(nil))
		})), Other},
		{"sends garbage", serve(t, func(c net.Conn) {
			c.Write([]byte("HTTP/1.1 400 Bad Request\r\n"))
			io.Copy(io.Discard, c)
		}), Other},
		{"is alive and closes", serve(t, func(c net.Conn) { vtp.ReadFrame(c, nil); c.Write(alive("")) }), Reset},
		{"closes at once", serve(t, func(net.Conn) {}), Reset},
		{"reads and closes", serve(t, func(c net.Conn) { vtp.ReadFrame(c, nil) }), Reset},
		{"resets", serve(t, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }), Reset},
		{"isn't there", closed.Addr().String(), Refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, conns := range []int{1, 16, 100} {
				c := Config{Addr: tt.addr, Conns: conns, Events: 60, EventTimeout: 20 * time.Second}
				r, err := Run(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				n := r.Failures[tt.want.String()]
				if tt.want == Acked {
					n = r.Acked
				}
				if r.Sent != 60 || n != 60 || len(r.Results) != 60 {
					t.Errorf("%d connections: got %+v, want 60 of outcome %v", conns, r, tt.want)
				}
				fastest := time.Hour
				for i, s := range r.Results {
					fastest = min(fastest, s.Done-s.Begun)
					if s.Outcome != tt.want || s.Begun < 0 || s.Done < s.Begun || s.Done > r.Elapsed {
						t.Fatalf("result %d: %+v of %v", i, s, r.Elapsed)
					}
					if s.Answered < s.Begun || s.Answered > s.Done {
						t.Fatalf("result %d: answered after %v, want from %v to %v", i, s.Answered, s.Begun, s.Done)
					}
					if s.Connected != (tt.want != Refused) {
						t.Fatalf("result %d: got connected %v of outcome %v", i, s.Connected, s.Outcome)
					}
				}
				if tt.want != Acked {
					fastest = 0
				}
				if r.Fastest != fastest {
					t.Errorf("%d connections: the fastest event took %v, want %v", conns, r.Fastest, fastest)
				}
			}
		})
	}
}

func TestTimeouts(t *testing.T) {
	silent := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
	c := Config{Addr: silent, Conns: 4, Events: 1000}
	c.EventTimeout = 100 * time.Millisecond
	if _, err := Run(t.Context(), c); !errors.Is(err, errSilent) {
		t.Errorf("a broker that never answers: %v, want %v", err, errSilent)
	}
	c.EventTimeout, c.Timeout = 0, 100*time.Millisecond
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "not done after 100ms") {
		t.Errorf("the deadline of the whole: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := Run(ctx, Config{Addr: silent, Conns: 4, Events: 1000}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// Every other event is answered: the rest time out, and are counted.
	half := serve(t, func(c net.Conn) {
		if rand.IntN(2) == 0 {
			answering(ack)(c)
		} else {
			io.Copy(io.Discard, c)
		}
	})
	r, err := Run(t.Context(), Config{Addr: half, Conns: 50, Events: 100, EventTimeout: 500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Acked+r.Failures["timeout"] != 100 || r.Failures["timeout"] == 0 || r.Acked == 0 {
		t.Errorf("%+v, want some acked and the others timed out", r)
	}
}

// TestEvents: each event is valid, new, and sent once; connections are never
// more than were allowed.
func TestEvents(t *testing.T) {
	var mu sync.Mutex
	seen := make(map[string]int)
	open, most := 0, 0
	addr := serve(t, func(c net.Conn) {
		mu.Lock()
		open++
		most = max(most, open)
		mu.Unlock()
		payload, err := vtp.ReadFrame(c, nil)
		if err != nil {
			t.Error(err)
			return
		}
		head, err := vtp.ParseHead(payload)
		if err != nil || head.Role != vtp.Test || !strings.HasPrefix(string(head.IVOID), DefaultFrom+"#") {
			t.Errorf("got %+v, %v", head, err)
		}
		date := regexp.MustCompile("<Date>(.*)</Date>").FindSubmatch(payload)
		if date == nil || !bytes.Contains(payload, []byte("<AuthorIVORN>"+DefaultFrom+"</AuthorIVORN>")) {
			t.Errorf("an event without its date or author: %s", payload)
			return
		}
		mu.Lock()
		seen[string(head.IVOID)+string(date[1])]++
		open-- // before the answer, after which the author may begin the next
		mu.Unlock()
		c.Write(ack(string(head.IVOID)))
		io.Copy(io.Discard, c)
	})
	if _, err := Run(t.Context(), Config{Addr: addr, Conns: 7, Events: 500}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 500 || most > 7 {
		t.Errorf("%d different events over %d connections, want 500 over 7", len(seen), most)
	}
}

func TestBadConfig(t *testing.T) {
	for _, c := range []Config{
		{Addr: "127.0.0.1:1", Conns: 0, Events: 1}, {Addr: "127.0.0.1:1", Conns: 1, Events: 0},
		{Addr: "nowhere", Conns: 1, Events: 1}, {Addr: "", Conns: 1, Events: 1},
		{Addr: "127.0.0.1:1", Conns: 1, Events: 1, EventTimeout: -1},
		{Addr: "127.0.0.1:1", Conns: 1, Events: 1, Rate: -1},
		{Addr: "127.0.0.1:1", Conns: 1, Events: 1, Rate: math.NaN()},
		{Addr: "127.0.0.1:1", Conns: 1, Events: 1, Poisson: true},
	} {
		if r, err := Run(t.Context(), c); err == nil {
			t.Errorf("Run(%+v) = %+v, want an error", c, r)
		}
	}
}

// TestLog checks the log against what the original's reader expects.
func TestLog(t *testing.T) {
	r := &Report{
		Started: time.Unix(1795443766, 0), Elapsed: 13264 * time.Millisecond,
		Sent: 10, Acked: 7, Failures: map[string]int{"nak": 1, "timeout": 2}, Results: make([]Result, 10),
	}
	var log bytes.Buffer
	if err := r.WriteLog(&log); err != nil {
		t.Fatal(err)
	}
	if log.Len() <= 1000 {
		t.Errorf("%d bytes: the original's reader seeks 1,000 bytes back", log.Len())
	}
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	for i, want := range []string{
		`\[-\] Total reactor running time: 13\.264000s$`, `\[-\] 0/8/2 messages queued/sent/failed$`,
	} {
		if line := lines[len(lines)-2+i]; !regexp.MustCompile(want).MatchString(line) {
			t.Errorf("line %q, want %s", line, want)
		}
	}
}

// TestWriteTimes reads the times back as anybody would, with gzip and a reader
// of CSV.
func TestWriteTimes(t *testing.T) {
	events, err := newEvents(Config{From: DefaultFrom}, time.Unix(0, 0), 3)
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{events: events, Results: []Result{
		{Begun: 1, Done: 3, Answered: 2, Outcome: Acked, Connected: true},
		{Begun: 2, Done: 1e12, Answered: 1e12, Outcome: WrongAnswer, Connected: true},
		{Begun: 2, Done: 5, Answered: 5, Planned: 1, Outcome: TimedOut},
	}}
	want := [][]string{
		{"event", "begun_ns", "elapsed_ns", "outcome", "connected", "sha1", "answered_ns", "planned_ns"},
		{"0", "1", "2", "ack", "1"}, {"1", "2", "999999999998", "wrong answer", "1"}, {"2", "2", "3", "timeout", "0"},
	}
	for i, planned := range []string{"0", "0", "1"} {
		payload := events.frame(nil, i)[vtp.HeaderSize:]
		want[1+i] = append(want[1+i], fmt.Sprintf("%x", sha1.Sum(payload)),
			strconv.Itoa(int(r.Results[i].Answered)), planned)
	}
	for _, r.open = range []bool{true, false} {
		var file bytes.Buffer
		if err := r.WriteTimes(&file); err != nil {
			t.Fatal(err)
		}
		text, err := gzip.NewReader(&file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := csv.NewReader(text).ReadAll()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		for i := range want {
			want[i] = want[i][:7] // the closed loop has no plan
		}
	}
}

// TestClockStep: noise is no step.
func TestClockStep(t *testing.T) {
	for wall, want := range map[time.Duration]time.Duration{
		time.Second: 0, time.Second + 3*time.Microsecond: 0, time.Second + time.Millisecond: time.Millisecond,
		-time.Hour: -time.Hour - time.Second,
	} {
		if got := clockStep(wall, time.Second); got != want {
			t.Errorf("%v on the clock in 1 s: got %v, want %v", wall, got, want)
		}
	}
}

// TestNewEvents: events of whatever author are valid, or an error before any is
// sent.
func TestNewEvents(t *testing.T) {
	for from, valid := range map[string]bool{
		DefaultFrom: true, "ivo://x.y'z/t": true, "ivo://abc": true, "ivo://a.b/c_d/(e)~f*g": true,
		"ivo://a&b/c": false, "ivo://a<b/c": false, `ivo://a"b/c`: false,
		"ivo://ab": false, "a.b/c": false, "ivo://a.b/c#d": false, "ivo://a.b//c": false,
	} {
		const n = 1000
		e, err := newEvents(Config{From: from}, time.Unix(0, 0), n)
		if (err == nil) != valid {
			t.Errorf("from %s: got %v, want valid %v", from, err, valid)
		}
		if err != nil {
			continue
		}
		seen := make(map[string]bool)
		for i := range n {
			head, err := vtp.ParseHead(e.frame(nil, i)[vtp.HeaderSize:])
			if err != nil || !e.is(i, head.IVOID) || e.is((i+1)%n, head.IVOID) ||
				!strings.HasPrefix(string(head.IVOID), from+"#") {
				t.Fatalf("from %s: event %d: got %s, %v", from, i, head.IVOID, err)
			}
			seen[string(head.IVOID)] = true
		}
		if len(seen) != n {
			t.Errorf("from %s: %d different events, want %d", from, len(seen), n)
		}
	}
	if r, err := Run(t.Context(), Config{Addr: "127.0.0.1:1", Conns: 1, Events: 1, From: "ivo://a&b/c"}); err == nil {
		t.Errorf("got %+v, want an error", r)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(ack("ivo://a/b#1")[vtp.HeaderSize:])
	f.Add(nak("ivo://a/b#1")[vtp.HeaderSize:])
	f.Add(alive("")[vtp.HeaderSize:])
	f.Fuzz(func(t *testing.T, payload []byte) {
		var asked []byte
		outcome, final := answer(payload, func(ivoid []byte) bool { asked = ivoid; return true })
		none, _ := answer(payload, func([]byte) bool { return false })
		if outcome == Acked && (none != WrongAnswer || asked == nil) || !final && outcome != Other {
			t.Errorf("%q: got %v for the event, %v for another", payload, outcome, none)
		}
	})
}
