package journey_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"cometbench/author"
	"cometbench/embedded"
	"cometbench/eventdb"
	"cometbench/results/journey"
	"cometbench/vtp"
)

// fate is what the lossy broker does with an event.
type fate struct{ stores, acks, naks, sends, again, late bool }

// lossy is a broker that loses events on purpose. It takes one at a time.
type lossy struct {
	authors net.Listener
	store   *eventdb.Writer
	fates   map[int]fate // by the event's number; all others fare well
	events  int          // after so many it listens no longer

	subscriber net.Conn
	held       []byte // frames that are late
	got        int
}

// serve takes events until it listens no longer.
func (b *lossy) serve() error {
	for {
		c, err := b.authors.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err == nil {
			err = b.take(c)
		}
		if err != nil {
			return err
		}
	}
}

func (b *lossy) take(c net.Conn) error {
	defer c.Close()
	payload, err := vtp.ReadFrame(c, nil)
	if err != nil {
		return err
	}
	head, err := vtp.ParseHead(payload)
	if err != nil {
		return err
	}
	f, scripted := b.fates[b.got]
	if !scripted {
		f = fate{stores: true, acks: true, sends: true}
	}
	b.got++
	if b.got == b.events {
		b.authors.Close() // what follows finds nobody
	}
	if f.stores {
		now := time.Now()
		value := fmt.Sprintf("%d.%07d", now.Unix(), now.Nanosecond()/100)
		if _, err := b.store.Put(fmt.Appendf(nil, "%x", sha1.Sum(payload)), []byte(value)); err != nil {
			return err
		}
	}
	frame := vtp.AppendFrame(nil, payload)
	var out []byte
	if f.late {
		b.held = append(b.held, frame...)
	}
	if f.sends {
		out = append(out, frame...)
	}
	if f.again {
		out = append(out, frame...)
	}
	if _, err := b.subscriber.Write(out); err != nil {
		return err
	}
	answer := vtp.Transport{Origin: string(head.IVOID), Response: "ivo://test/broker", TimeStamp: time.Now()}
	switch {
	case f.acks:
		answer.Role = vtp.Ack
	case f.naks:
		answer.Role = vtp.Nak
	default:
		return nil
	}
	_, err = c.Write(vtp.AppendFrame(nil, answer.Append(nil)))
	return err
}

// TestInjectedLosses sends events through a broker that loses some in each way,
// and compares the names and counts of the losses with what it did.
func TestInjectedLosses(t *testing.T) {
	const events, refused = 100, 3
	good := fate{stores: true, acks: true, sends: true}
	with := func(change func(*fate)) fate { f := good; change(&f); return f }
	fates := make(map[int]fate)
	want := make(journey.Losses)
	script := func(loss string, f fate, numbers ...int) {
		for _, i := range numbers {
			fates[i] = f
		}
		want[loss] += len(numbers)
	}
	script("connected and not acked", fate{}, 5, 6)
	script("connected and not acked", fate{stores: true, sends: true}, 8) // it arrives all the same
	script("nak'd", fate{naks: true}, 10, 20, 21, 22)
	script("stored though nak'd", fate{naks: true, stores: true, sends: true}, 30)
	want["nak'd"]++
	script("acked and not stored", with(func(f *fate) { f.stores, f.sends = false, false }), 40, 41, 42, 43, 44)
	script("stored and not delivered", with(func(f *fate) { f.sends = false }), 50, 51, 52, 53, 54, 55)
	script("delivered twice", with(func(f *fate) { f.again = true }), 60, 70)
	script("delivered late", with(func(f *fate) { f.sends, f.late = false, true }), 80, 81)
	want["never connected"] = refused

	dir := t.TempDir()
	brokerDB, subscriberDB := filepath.Join(dir, "broker"), t.TempDir()
	store, err := eventdb.Create(brokerDB)
	if err != nil {
		t.Fatal(err)
	}
	authors, subscribers := listen(t), listen(t)
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer func() {
		cancel()
		all.Wait()
	}()
	all.Go(func() {
		c := embedded.SubscriberConfig{Remote: subscribers.Addr().String(), EventDB: subscriberDB}
		if err := embedded.Subscribe(ctx, c); err != nil {
			t.Error(err)
		}
	})
	b := &lossy{authors: authors, store: store, fates: fates, events: events - refused}
	if b.subscriber, err = subscribers.Accept(); err != nil {
		t.Fatal(err)
	}
	defer b.subscriber.Close()
	served := make(chan error, 1)
	go func() { served <- b.serve() }()
	report, err := author.Run(t.Context(), author.Config{Addr: authors.Addr().String(), Conns: 1, Events: events})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-served, store.Close()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1200 * time.Millisecond) // what is held is to be late
	if _, err := b.subscriber.Write(b.held); err != nil {
		t.Fatal(err)
	}

	var times bytes.Buffer
	if err := report.WriteTimes(&times); err != nil {
		t.Fatal(err)
	}
	j, err := journey.Read(&times, report.Started)
	if err != nil {
		t.Fatal(err)
	}
	join(t, j, journey.Broker, brokerDB)
	delivered := events - refused - 2 - 4 - 5 - 6
	path := await(t, subscriberDB, delivered)
	join(t, j, journey.Delivery, path)
	again, err := eventdb.PathOf(subscriberDB, embedded.AgainFrom)
	if err != nil {
		t.Fatal(err)
	}
	db, err := eventdb.Open(again)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := j.JoinAgain(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if got := j.Losses(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := j.Latency(journey.Delivery); got == nil || got.Events != delivered || got.Max < time.Second {
		t.Errorf("delivery: got %+v, want %d events, the last after a second", got, delivered)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func join(t *testing.T, j *journey.Journeys, s journey.Stage, path string) {
	t.Helper()
	db, err := eventdb.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := j.Join(t.Context(), s, db, 100*time.Nanosecond); err != nil {
		t.Fatal(err)
	}
}

// await returns the database of a subscriber when it has n events.
func await(t *testing.T, dir string, n int) (path string) {
	t.Helper()
	entries := func() int {
		path, err := eventdb.PathOf(dir, author.DefaultFrom)
		if errors.Is(err, fs.ErrNotExist) {
			return 0
		}
		db, err := eventdb.Open(path)
		if err != nil {
			return 0 // caught while it was written
		}
		defer db.Close()
		s, err := db.Summary(t.Context())
		if err != nil {
			return 0
		}
		return s.Entries
	}
	deadline := time.Now().Add(30 * time.Second)
	for have := entries(); have < n; have = entries() {
		if time.Now().After(deadline) {
			t.Fatalf("the subscriber has %d events, want %d", have, n)
		}
		time.Sleep(5 * time.Millisecond)
	}
	path, err := eventdb.PathOf(dir, author.DefaultFrom)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
