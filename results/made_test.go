package results

import (
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cometbench/eventdb"
	"cometbench/matrix"
	"cometbench/subject"
)

// madeRun is a run that a test makes up, with real files.
type madeRun struct {
	cell               matrix.Cell
	elapsed            time.Duration
	acked              int
	broker, subscriber []float64 // seconds at which the events were received
	stored             bool      // whether there is a run.json
	resolution         int       // decimals of the databases' times
}

var epoch = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// spread returns n times from 0 to end, in seconds.
func spread(n int, end float64) []float64 {
	times := make([]float64, n)
	for i := range times {
		times[i] = end * float64(i) / float64(max(1, n-1))
	}
	return times
}

// writeDatabase writes an event database as a Comet keeps it.
func writeDatabase(t testing.TB, path string, times []float64, decimals int) {
	t.Helper()
	w, err := eventdb.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range times {
		key := fmt.Sprintf("%x", sha1.Sum([]byte(strconv.Itoa(i))))
		value := strconv.FormatFloat(float64(epoch.Unix())+s, 'f', decimals, 64)
		if _, err := w.Put([]byte(key), []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// writeLog writes an author's log as the original does, long enough for its
// reader.
func writeLog(t testing.TB, path string, elapsed time.Duration, sent, acked int) {
	t.Helper()
	const stamp = "2026-11-24 09:00:00+0000 [-] "
	text := strings.Repeat(stamp+"Sending failed\n", 40) +
		fmt.Sprintf("%sTotal reactor running time: %fs\n%s0/%d/%d messages queued/sent/failed\n", stamp,
			elapsed.Seconds(), stamp, acked, sent-acked)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// write writes the run into dir, number n of its cell, and returns its record.
func (m madeRun) write(t testing.TB, dir string, n int) *Run {
	t.Helper()
	folder := filepath.Join(dir, filepath.FromSlash(m.cell.Dir()), fmt.Sprint("run", n))
	if err := os.MkdirAll(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	if m.resolution == 0 {
		m.resolution = 7
	}
	writeLog(t, filepath.Join(folder, LogFile), m.elapsed, m.cell.Events, m.acked)
	writeDatabase(t, filepath.Join(folder, BrokerFile), m.broker, m.resolution)
	writeDatabase(t, filepath.Join(folder, SubscriberFile), m.subscriber, m.resolution)
	run := &Run{
		Cell: m.cell, Number: n, Started: epoch.Add(time.Duration(n) * time.Minute),
		Software: subject.Software{Comet: "3.1.0", Python: "3.11.2", Twisted: "24.11.0"},
		Machine: Machine{Kernel: "6.1.0", CPU: "a CPU", Cores: 2, Engine: "Docker 20.10.24", Procs: 2, OS: "linux",
			Arch: "amd64"},
		Author:  Author{Elapsed: m.elapsed, Sent: m.cell.Events, Acked: m.acked},
		Outside: 1500 * time.Millisecond,
	}
	if m.cell.Latency > 0 {
		run.Netem, run.BaseRTT, run.RTT = "userspace", 50*time.Microsecond, m.cell.Latency+60*time.Microsecond
	}
	if m.stored {
		var err error
		if run.Broker, err = ReadDatabase(t.Context(), filepath.Join(folder, BrokerFile)); err != nil {
			t.Fatal(err)
		}
		if run.Subscriber, err = ReadDatabase(t.Context(), filepath.Join(folder, SubscriberFile)); err != nil {
			t.Fatal(err)
		}
		if err := writeRun(filepath.Join(folder, RunFile), run); err != nil {
			t.Fatal(err)
		}
	}
	return run
}

// writeJSON overwrites a run.json.
func writeJSON(t testing.TB, path string, run *Run) {
	t.Helper()
	text, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// madeTree makes a tree with what trees may hold: several brokers, missing
// events, one run, many runs, a stale database, shorter times.
func madeTree(t testing.TB, broker func(string) string, stored bool) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"embedded", "comet-3.1.0"} {
		label := broker(name)
		if label == "" && name != "embedded" {
			continue
		}
		for _, c := range []struct{ latency, conns, runs int }{{0, 1, 1}, {0, 64, 12}, {100, 8, 3}, {100, 64, 2}} {
			cell := matrix.Cell{Broker: label, Latency: time.Duration(c.latency) * time.Millisecond, Conns: c.conns,
				Events: 40}
			for n := 1; n <= c.runs; n++ {
				end := 0.08 + 0.013*float64(n%5)
				m := madeRun{cell: cell, stored: stored, acked: 40, elapsed: time.Duration((end + 0.01) * 1e9),
					broker: spread(40, end), subscriber: spread(40, end+0.001*float64(n%3))}
				if c.conns == 64 && n%4 == 1 { // missing events
					m.acked, m.broker, m.subscriber = 38, m.broker[:39], m.subscriber[:36]
				}
				if name != "embedded" {
					m.resolution = 2
				}
				m.write(t, dir, n)
			}
		}
	}
	return dir
}

func same(name string) string { return name }
