package results

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync"
	"testing"
	"time"

	"cometbench/matrix"
)

// BenchmarkAggregate aggregates a tree beside a plain parallel read of the same
// bytes: every database whole, and the end of every log. ("of-read" is the
// speed's share of the plain read's, measured in turns with it.) "disk" has the
// files out of the page cache before each turn, as a tree that is larger than
// the memory always is; "cached" has them in it.
//
// COMETBENCH_RUNS=6000 makes it the paper's matrix, 100 counts; the default is
// one count. The files are copies of a few runs of 10,000 events; 6,000 runs take
// 26 GB.
func BenchmarkAggregate(b *testing.B) {
	runs := 60
	if text := os.Getenv("COMETBENCH_RUNS"); text != "" {
		var err error
		if runs, err = strconv.Atoi(text); err != nil || runs < 1 {
			b.Fatalf("COMETBENCH_RUNS=%s: want a number of runs", text)
		}
	}
	dir := b.TempDir()
	cells := matrix.Matrix{Brokers: []string{""}, Latencies: matrix.Paper().Latencies, Conns: matrix.Paper().Conns,
		Events: 10_000}.Cells()
	for n := range runs {
		cell := cells[n%len(cells)]
		if n < 4 { // the files that the others are links to
			madeRun{cell: cell, acked: 10_000, elapsed: 20 * time.Second, broker: spread(10_000, 20),
				subscriber: spread(10_000, 20), resolution: 2 + 5*(n%2)}.write(b, dir, 1)
			continue
		}
		from := filepath.Join(dir, cells[n%4].Dir(), "run1")
		to := filepath.Join(dir, cell.Dir(), fmt.Sprint("run", 1+n/len(cells)))
		if err := os.MkdirAll(to, 0o777); err != nil {
			b.Fatal(err)
		}
		for _, name := range []string{LogFile, BrokerFile, SubscriberFile} {
			if err := os.Link(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
				b.Fatal(err)
			}
		}
	}
	time.Sleep(50 * time.Millisecond) // what was written a moment ago may still change, for eventdb

	for _, bb := range []struct {
		name  string
		ready func() error
	}{
		{"cached", func() error { return nil }},
		{"disk", func() error { return uncache(dir) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			if err := uncache(dir); errors.Is(err, errors.ErrUnsupported) && bb.name == "disk" {
				b.Skip("this system can't take files out of its cache")
			}
			if _, err := readPlainly(dir); err != nil {
				b.Fatal(err)
			}
			var read, aggregate time.Duration
			var bytes int64
			peak := watchHeap()
			for b.Loop() {
				b.StopTimer()
				if err := bb.ready(); err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				n, err := readPlainly(dir)
				if err != nil {
					b.Fatal(err)
				}
				bytes = n
				read += time.Since(start)
				if err := bb.ready(); err != nil {
					b.Fatal(err)
				}
				start = time.Now()
				b.StartTimer()
				set, err := Load(b.Context(), dir, Options{})
				if err != nil {
					b.Fatal(err)
				}
				aggregate += time.Since(start)
				if len(set.Cells) != min(runs, len(cells)) {
					b.Fatalf("%d cells", len(set.Cells))
				}
			}
			b.ReportMetric(read.Seconds()/aggregate.Seconds(), "of-read")
			b.ReportMetric(float64(bytes)*float64(b.N)/1e6/aggregate.Seconds(), "aggregate-MB/s")
			b.ReportMetric(float64(bytes)*float64(b.N)/1e6/read.Seconds(), "read-MB/s")
			b.ReportMetric(float64(peak())/1e6, "peak-heap-MB")
			b.ReportMetric(float64(runs), "runs")
		})
	}
}

// watchHeap samples the heap until peak is called, which returns the most.
func watchHeap() (peak func() uint64) {
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-stop:
				done <- most
				return
			}
		}
	}()
	return func() uint64 { close(stop); return <-done }
}

// readPlainly reads what Load reads, in as many goroutines, and nothing else.
func readPlainly(dir string) (int64, error) {
	names := make(chan string)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var total int64
	var failed error
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			buf := make([]byte, 256<<10)
			for name := range names {
				n, err := readFile(name, buf)
				mu.Lock()
				total += n
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names <- name
		}
		return err
	})
	close(names)
	wg.Wait()
	return total, errors.Join(err, failed)
}

func readFile(name string, buf []byte) (total int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if filepath.Base(name) == LogFile {
		if _, err := f.Seek(-logTail, io.SeekEnd); err != nil {
			return 0, err
		}
	}
	for {
		n, err := f.Read(buf)
		total += int64(n)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
