package journey

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cometbench/internal/golden"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// spread returns journeys whose latencies are from 50 µs to beyond an hour, always
// the same.
func spread() *Journeys {
	j := arrived(12_000)
	took := 50 * time.Microsecond
	for i := range j.Events {
		e := &j.Events[i]
		took = took*10015/10000 + time.Duration(i%7)
		e.Done, e.Answered = e.Begun+took, e.Begun+took
		e.stored[Broker], e.stored[Delivery] = e.Begun+took/2, e.Begun+2*took
	}
	return j
}

// TestLogAgainstPython compares a log with what Python's hdrhistogram 0.10.8
// reads in it. After `go test ./results/journey -run TestLogAgainstPython -update`:
//
//	pip install hdrhistogram==0.10.8
//	cd results/journey/testdata && python3 percentiles.py latencies.hlog > percentiles.txt
func TestLogAgainstPython(t *testing.T) {
	var log bytes.Buffer
	if err := spread().WriteLog(&log); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "latencies.hlog", log.Bytes())

	var sums [stages]*hdrhistogram.Histogram
	for _, s := range Stages() {
		var err error
		if sums[s], err = ReadLog(bytes.NewReader(log.Bytes()), s); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join("testdata", "percentiles.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(text)) {
		var tag string
		var count, percent, want = int64(0), 0.0, int64(0)
		if _, err := fmt.Sscan(line, &tag, &count, &percent, &want); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, s := range Stages() {
			if s.String() != tag {
				continue
			}
			lines++
			if got := sums[s].ValueAtPercentile(percent); got != want || sums[s].TotalCount() != count {
				t.Errorf("%s: got %d of %d at %s %%, Python reads %d of %d", tag, got, sums[s].TotalCount(),
					strconv.FormatFloat(percent, 'g', -1, 64), want, count)
			}
		}
	}
	if lines < 3*5 {
		t.Errorf("got %d percentiles, want five of each stage", lines)
	}
}

// TestLogAgainstTimes: a histogram's percentile is within 0.1 % of the event's.
func TestLogAgainstTimes(t *testing.T) {
	j := spread()
	for _, s := range Stages() {
		h, err := j.Histogram(s)
		if err != nil {
			t.Fatal(err)
		}
		l := j.Latency(s)
		for percent, exact := range map[float64]time.Duration{50: l.P50, 99: l.P99, 99.9: l.P999} {
			got, want := float64(h.ValueAtPercentile(percent)), float64(min(exact, longestLatency))
			if got < 0.999*want || got > 1.001*want {
				t.Errorf("%s: got %v at %v %%, want %v", s, time.Duration(got), percent, exact)
			}
		}
	}
}

// TestReadLog adds the histograms of two intervals, and refuses what is no log.
func TestReadLog(t *testing.T) {
	var log bytes.Buffer
	for range 2 {
		if err := arrived(10).WriteLog(&log); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := ReadLog(&log, Delivery); err != nil || h.TotalCount() != 20 {
		t.Errorf("got %+v, %v, want 20 deliveries", h, err)
	}
	for _, text := range []string{"", "Tag=ack,1,2,3,HISTFAAAA\n"} {
		if _, err := ReadLog(strings.NewReader(text), Ack); err == nil {
			t.Errorf("%q: want an error", text)
		}
	}
}

// FuzzReadLog: no text makes ReadLog fail otherwise than by an error.
func FuzzReadLog(f *testing.F) {
	text, err := os.ReadFile(filepath.Join("testdata", "latencies.hlog"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		if h, err := ReadLog(bytes.NewReader(text), Ack); err == nil {
			h.ValueAtPercentile(99)
		}
	})
}
