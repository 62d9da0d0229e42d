package eventdb

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// layouts are what Berkeley DB hash files come in.
var layouts = []bdbLayout{
	{version: 9, pageSize: 4096}, {version: 9, pageSize: 4096, big: true},
	{version: 8, pageSize: 512}, {version: 10, pageSize: 1024, big: true},
	{version: 9, pageSize: 65536},
}

// TestWriter puts random entries, some of them long and some twice, and reads
// them back.
func TestWriter(t *testing.T) {
	for _, l := range layouts {
		for _, n := range []int{0, 1, 2, 100, 20_000} {
			t.Run(fmt.Sprintf("version=%d/big=%v/page=%d/n=%d", l.version, l.big, l.pageSize, n), func(t *testing.T) {
				random := rand.New(rand.NewPCG(1, uint64(n)))
				path := filepath.Join(t.TempDir(), "comet.broker_test")
				w, err := createBDB(path, l)
				if err != nil {
					t.Fatal(err)
				}
				want := make(map[string]string)
				for i := range n {
					key := fmt.Sprintf("%040x", random.Uint64())
					value := fmt.Sprintf("1395443440.%02d", i%100)
					if random.IntN(100) == 0 {
						key += strings.Repeat("k", random.IntN(3*l.pageSize))
						value += strings.Repeat("v", random.IntN(3*l.pageSize))
					}
					for attempt := range 1 + random.IntN(2) {
						added, err := w.Put([]byte(key), []byte(value))
						if err != nil || added != (attempt == 0) {
							t.Fatalf("Put = %v, %v at attempt %d", added, err, attempt)
						}
					}
					want[key] = value
				}
				got := readAll(t, path)
				if !maps.Equal(got, want) {
					t.Errorf("%d entries, want %d", len(got), len(want))
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Put([]byte("k"), []byte("v")); err == nil {
					t.Error("Put after Close is no error")
				}
			})
		}
	}
}

func readAll(t testing.TB, path string) map[string]string {
	t.Helper()
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got := make(map[string]string)
	for e, err := range db.Entries(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[string(e.Key)] = string(e.Value)
	}
	return got
}

// TestReadWhileWriting reads a database again and again while it grows. A read
// is an error, or counts the entries that were there when it began, and maybe
// some of those that came meanwhile.
func TestReadWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "comet.broker_test")
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const entries = 30_000
	var put atomic.Int64 // so many at least are there
	done := make(chan error, 1)
	go func() {
		for i := range entries {
			if _, err := w.Put(fmt.Appendf(nil, "%040x", i*7919), []byte("1395443440.25")); err != nil {
				done <- err
				return
			}
			put.Add(1)
		}
		done <- nil
	}()
	last, meanwhile := 0, 0
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
		}
		before := int(put.Load())
		db, err := Open(path)
		if err != nil {
			continue
		}
		s, err := db.Summary(t.Context())
		if err == nil {
			if after := int(put.Load()) + 1; s.Entries < before || s.Entries > after {
				t.Fatalf("got %d entries, want %d to %d", s.Entries, before, after)
			}
			last = s.Entries
		} else {
			meanwhile++
		}
		db.Close()
	}
	if last != entries {
		t.Errorf("got %d entries at the end, want %d", last, entries)
	}
	if meanwhile == 0 {
		t.Error("no read met a change: none took place while the database grew")
	}
}

func BenchmarkWriter(b *testing.B) {
	w, err := Create(filepath.Join(b.TempDir(), "db"))
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	i := 0
	key := make([]byte, 0, 40)
	for b.Loop() {
		key = fmt.Appendf(key[:0], "%040x", i*7919)
		if _, err := w.Put(key, []byte("1795443440.0018096")); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
