package author

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
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

// answering reads an event and answers in a role.
func answering(role vtp.Role) func(net.Conn) {
	reply := vtp.AppendFrame(nil, vtp.Transport{Role: role, Origin: "ivo://a/b#1", TimeStamp: time.Unix(0, 0)}.Append(nil))
	return func(c net.Conn) {
		if _, err := vtp.ReadFrame(c, nil); err == nil {
			c.Write(reply)
			io.Copy(io.Discard, c) // the author closes first
		}
	}
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
		{"acks", serve(t, answering(vtp.Ack)), Acked},
		{"naks", serve(t, answering(vtp.Nak)), Nakked},
		{"says something else", serve(t, answering(vtp.IAmAlive)), Other},
		{"sends garbage", serve(t, func(c net.Conn) { c.Write([]byte("HTTP/1.1 400 Bad Request\r\n")); io.Copy(io.Discard, c) }), Other},
		{"closes at once", serve(t, func(net.Conn) {}), Reset},
		{"reads and closes", serve(t, func(c net.Conn) { vtp.ReadFrame(c, nil) }), Reset},
		{"resets", serve(t, func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }), Reset},
		{"isn't there", closed.Addr().String(), Refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, conns := range []int{1, 16, 100} {
				r, err := Run(t.Context(), Config{Addr: tt.addr, Conns: conns, Events: 60, EventTimeout: 20 * time.Second})
				if err != nil {
					t.Fatal(err)
				}
				n := r.Failures[tt.want.String()]
				if tt.want == Acked {
					n = r.Acked
				}
				if r.Sent != 60 || n != 60 || len(r.Samples) != 60 {
					t.Errorf("%d connections: %+v, want 60 of outcome %v", conns, r, tt.want)
				}
				fastest := time.Hour
				for i, s := range r.Samples {
					fastest = min(fastest, s.Done-s.Begun)
					if s.Outcome != tt.want || s.Begun < 0 || s.Done < s.Begun || s.Done > r.Elapsed {
						t.Fatalf("sample %d: %+v of %v", i, s, r.Elapsed)
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
	if _, err := Run(t.Context(), Config{Addr: silent, Conns: 4, Events: 1000, EventTimeout: 100 * time.Millisecond}); !errors.Is(err, errSilent) {
		t.Errorf("a broker that never answers: %v, want %v", err, errSilent)
	}
	if _, err := Run(t.Context(), Config{Addr: silent, Conns: 4, Events: 1000, Timeout: 100 * time.Millisecond}); !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "not done after 100ms") {
		t.Errorf("the deadline of the whole: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := Run(ctx, Config{Addr: silent, Conns: 4, Events: 1000}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// Every other event is answered: the rest time out, and are counted.
	ack := answering(vtp.Ack)
	half := serve(t, func(c net.Conn) {
		if rand.IntN(2) == 0 {
			ack(c)
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
	ack := vtp.AppendFrame(nil, vtp.Transport{Role: vtp.Ack, Origin: "ivo://a/b#1", TimeStamp: time.Unix(0, 0)}.Append(nil))
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
		event, err := vtp.ParseEvent(payload)
		if err != nil || event.AuthorIVOID != DefaultFrom || event.Role != vtp.Test {
			t.Errorf("%+v, %v", event, err)
		}
		mu.Lock()
		seen[event.IVOID+event.Date.String()]++
		open-- // before the answer, after which the author may begin the next
		mu.Unlock()
		c.Write(ack)
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
	} {
		if r, err := Run(t.Context(), c); err == nil {
			t.Errorf("Run(%+v) = %+v, want an error", c, r)
		}
	}
}

// TestLog holds the log against what the original's reader expects.
func TestLog(t *testing.T) {
	r := &Report{
		Started: time.Unix(1795443766, 0), Elapsed: 13264 * time.Millisecond,
		Sent: 10, Acked: 7, Failures: map[string]int{"nak": 1, "timeout": 2}, Samples: make([]Sample, 10),
	}
	var log bytes.Buffer
	if err := r.WriteLog(&log); err != nil {
		t.Fatal(err)
	}
	if log.Len() <= 1000 {
		t.Errorf("%d bytes: the original's reader seeks 1,000 bytes back", log.Len())
	}
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	for i, want := range []string{`\[-\] Total reactor running time: 13\.264000s$`, `\[-\] 0/8/2 messages queued/sent/failed$`} {
		if line := lines[len(lines)-2+i]; !regexp.MustCompile(want).MatchString(line) {
			t.Errorf("line %q, want %s", line, want)
		}
	}
}

func TestSidecar(t *testing.T) {
	r := &Report{Samples: make([]Sample, 1000)}
	for i := range r.Samples {
		begun := time.Duration(rand.Int64N(1e12))
		r.Samples[i] = Sample{begun, begun + time.Duration(rand.Int64N(1e10)), Outcome(1 + rand.IntN(len(outcomes)-1))}
	}
	var file bytes.Buffer
	if err := r.WriteSidecar(&file); err != nil {
		t.Fatal(err)
	}
	got, err := ReadSidecar(bytes.NewReader(file.Bytes()))
	if err != nil || !slices.Equal(got, r.Samples) {
		t.Errorf("read back %d samples, %v", len(got), err)
	}
	if _, err := ReadSidecar(bytes.NewReader(file.Bytes()[:file.Len()/2])); err == nil {
		t.Error("half a file is no error")
	}
}

func FuzzReadSidecar(f *testing.F) {
	var file bytes.Buffer
	r := &Report{Samples: []Sample{{1, 2, Acked}}}
	if err := r.WriteSidecar(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		samples, err := ReadSidecar(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := (&Report{Samples: samples}).WriteSidecar(&again); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMemory: a million events are held in at most 256 MiB.
func TestMemory(t *testing.T) {
	const n = 1_000_000
	e := newEvents(DefaultFrom, time.Unix(0, 0), n)
	const sample = 24
	if held := cap(e.parts) + n*sample; held > 256<<20 {
		t.Errorf("%d bytes", held)
	}
	first, last := e.frame(nil, 0), e.frame(nil, n-1)
	for _, frame := range [][]byte{first, last} {
		if _, err := vtp.ParseEvent(frame[vtp.HeaderSize:]); err != nil {
			t.Error(err)
		}
	}
	if bytes.Equal(first, last) {
		t.Error("two events are alike")
	}
}
