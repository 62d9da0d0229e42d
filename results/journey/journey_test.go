package journey

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"cometbench/eventdb"
)

var started = time.Date(2026, 11, 25, 16, 0, 0, 123_456_700, time.UTC)

const ms = time.Millisecond

// key is that of event i of a test.
func key(i int) [sha1.Size]byte { return sha1.Sum(fmt.Append(nil, i)) }

// steady returns journeys of n acked events, begun a millisecond apart and acked
// after another, that no database tells of.
func steady(n int) *Journeys {
	j := &Journeys{Started: started}
	for i := range n {
		at := time.Duration(i) * ms
		e := Event{Key: key(i), Start: at, Begun: at, Done: at + ms, Answered: at + ms, Outcome: acked, Connected: true}
		e.stored[Broker], e.stored[Delivery] = never, never
		j.Events = append(j.Events, e)
	}
	return j
}

// arrived is steady, with each event stored by the broker after 2 ms and delivered
// after 3 ms.
func arrived(n int) *Journeys {
	j := steady(n)
	for i := range j.Events {
		e := &j.Events[i]
		e.stored[Broker], e.stored[Delivery] = e.Begun+2*ms, e.Begun+3*ms
	}
	j.joined[Broker].known, j.joined[Delivery].known = true, true
	return j
}

// database makes a database of events with their times, and opens it.
func database(t testing.TB, times map[int]time.Duration, decimals int) *eventdb.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events")
	w, err := eventdb.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range times {
		received := started.Add(at)
		value := fmt.Sprintf("%d.%09d", received.Unix(), received.Nanosecond())
		if _, err := w.Put(fmt.Appendf(nil, "%x", key(i)), []byte(value[:len(value)-9+decimals])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := eventdb.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestJoin(t *testing.T) {
	j := steady(4)
	broker := database(t, map[int]time.Duration{0: 2 * ms, 1: 5 * ms, 3: 300 * ms}, 7)
	if err := j.Join(t.Context(), Broker, broker, 100*time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	again := database(t, map[int]time.Duration{1: time.Second, 77: time.Second}, 7)
	if err := j.JoinAgain(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	var got []time.Duration
	for i := range j.Events {
		at, ok := j.Events[i].At(Broker)
		if !ok {
			at = -1
		}
		got = append(got, at)
	}
	if want := []time.Duration{2 * ms, 5 * ms, -1, 300 * ms}; !reflect.DeepEqual(got, want) {
		t.Errorf("stored by the broker after %v, want %v", got, want)
	}
	if want := (Losses{"acked and not stored": 1, "delivered twice": 1}); !reflect.DeepEqual(j.Losses(), want) {
		t.Errorf("losses: got %v, want %v", j.Losses(), want)
	}
	if doubts := j.Doubts(); doubts != nil {
		t.Errorf("doubts: %q", doubts)
	}
	if l := j.Latency(Delivery); l != nil {
		t.Errorf("delivery, of which nothing is known: %+v", l)
	}
}

// TestJoinRewritten: a broker that changes events' bytes lost none of them.
func TestJoinRewritten(t *testing.T) {
	j := arrived(3)
	subscriber := database(t, map[int]time.Duration{0: 3 * ms, 901: 4 * ms, 902: 5 * ms}, 7)
	if err := j.Join(t.Context(), Delivery, subscriber, 100); err != nil {
		t.Fatal(err)
	}
	doubts := strings.Join(j.Doubts(), "")
	if j.Latency(Delivery) != nil || j.Losses() != nil || !strings.Contains(doubts, "2 events in the subscriber's") {
		t.Errorf("got %+v, %v, %q, want no latency, no loss, and why", j.Latency(Delivery), j.Losses(), doubts)
	}
}

// TestJoinWithoutKeys: earlier authors wrote none.
func TestJoinWithoutKeys(t *testing.T) {
	j := steady(2)
	j.Events[0].Key, j.Events[1].Key = [sha1.Size]byte{}, [sha1.Size]byte{}
	if err := j.Join(t.Context(), Broker, database(t, nil, 7), 100); err == nil {
		t.Error("want an error")
	}
}

func compressed(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWriteRead(t *testing.T) {
	planned := arrived(3)
	planned.planned = true
	for i := range planned.Events {
		planned.Events[i].Start -= 7
	}
	lossy := arrived(4)
	lossy.Events[1].stored[Delivery] = never
	lossy.Events[2].Outcome, lossy.Events[2].Connected = "timeout", false
	for name, j := range map[string]*Journeys{
		"without databases": steady(3), "none": steady(0), "with a plan": planned, "with losses": lossy,
	} {
		var file bytes.Buffer
		if err := j.Write(&file); err != nil {
			t.Fatal(err)
		}
		got, err := Read(bytes.NewReader(file.Bytes()), started)
		if err != nil || !reflect.DeepEqual(got, j) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, j)
		}
	}
}

// TestReadEarlier reads a file of earlier versions, and refuses what is none.
func TestReadEarlier(t *testing.T) {
	const head = "event,begun_ns,elapsed_ns,outcome"
	text := compressed(t, head+"\n0,5,10,ack\n1,6,20,timeout\n")
	j, err := Read(bytes.NewReader(text), started)
	if err != nil || len(j.Events) != 2 {
		t.Fatalf("got %+v, %v", j, err)
	}
	if e := j.Events[0]; e.Start != 5 || e.Done != 15 || e.Outcome != "ack" || !e.Connected {
		t.Errorf("got %+v", e)
	}
	for text, want := range map[string]string{
		"":                                       "EOF",
		"event,outcome\n0,ack\n":                 "want begun_ns",
		head + "\n0,5,10\n":                      "wrong number of fields",
		head + "\n1,5,10,ack\n":                  "line 2: got event 1, want 0",
		head + "\n0,x,10,ack\n":                  "line 2: begun_ns",
		head + "\n0,5,1e3,ack\n":                 "line 2: elapsed_ns",
		head + "\n0,5,1,\"a,b\"\n":               "want words",
		head + ",sha1\n0,5,1,ack,ff\n":           "40 hexadecimal digits",
		head + "\n0,5,4611686018427387904,ack\n": "line 2: elapsed_ns",
	} {
		if _, err := Read(bytes.NewReader(compressed(t, text)), started); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	if _, err := Read(bytes.NewReader(text[:len(text)-9]), started); err == nil {
		t.Error("cut short: want an error")
	}
}

// FuzzRead: what Read takes can be written and is read the same again.
func FuzzRead(f *testing.F) {
	f.Add("event,begun_ns,elapsed_ns,outcome\n0,5,10,ack\n")
	f.Add("event,begun_ns,elapsed_ns,outcome,connected,sha1,broker_ns,subscriber_ns\n" +
		"0,5,10,ack,1,5b1eb897374886d5d3efef0b581229d10e195b6f,7,\n")
	f.Add("event,planned_ns,begun_ns,elapsed_ns,outcome\n0,1,5,10,\"a\"\"\nb\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		j, err := Read(bytes.NewReader(compressed(t, text)), started)
		if err != nil {
			return
		}
		j.Summary(func(Block) string { return "" })
		var file bytes.Buffer
		if err := j.Write(&file); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&file, started)
		if err != nil || !reflect.DeepEqual(again, j) {
			t.Errorf("got %+v, %v, want %+v", again, err, j)
		}
	})
}

// BenchmarkTrace does what is done for every run: it reads what the author wrote,
// joins it with both databases, sums it up, and writes both files. The metric
// heap-bytes is what the journeys take besides what was there before.
func BenchmarkTrace(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			times := make(map[int]time.Duration, n)
			for i := range n {
				times[i] = time.Duration(i)*ms + ms/2
			}
			broker, subscriber := database(b, times, 7), database(b, times, 7)
			var file bytes.Buffer
			if err := steady(n).Write(&file); err != nil {
				b.Fatal(err)
			}
			clear(times)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for b.Loop() {
				j, err := Read(bytes.NewReader(file.Bytes()), started)
				if err != nil {
					b.Fatal(err)
				}
				for s, db := range map[Stage]*eventdb.DB{Broker: broker, Delivery: subscriber} {
					if err := j.Join(b.Context(), s, db, 100); err != nil {
						b.Fatal(err)
					}
				}
				j.Summary(func(Block) string { return "" })
				if err := errors.Join(j.Write(io.Discard), j.WriteLog(io.Discard)); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&after)
				runtime.KeepAlive(j)
				b.StartTimer()
			}
			b.ReportMetric(float64(after.HeapAlloc)-float64(before.HeapAlloc), "heap-bytes")
		})
	}
}
