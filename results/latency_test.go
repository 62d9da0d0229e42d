package results

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results/journey"
)

// traced is a run of a tree with journeys: its events took half of longest to the
// subscriber's database, and the slowest longest.
func traced(t *testing.T, dir string, n int, longest time.Duration, losses journey.Losses) {
	t.Helper()
	cell := matrix.Cell{Broker: "embedded", Conns: 8, Events: 40}
	run := madeRun{cell: cell, elapsed: time.Second, acked: 40, broker: spread(40, 1), subscriber: spread(40, 1),
		stored: true}.write(t, dir, n)
	folder := filepath.Join(dir, filepath.FromSlash(cell.Dir()), "run"+string(rune('0'+n)))
	latency := &journey.Latency{Events: 40, P50: longest / 2, P99: longest, Max: longest}
	run.Journeys = &journey.Summary{Ack: latency, Delivery: latency, Losses: losses}
	for name, to := range map[string]*Database{BrokerFile: &run.Broker, SubscriberFile: &run.Subscriber} {
		var err error
		if *to, err = ReadDatabase(t.Context(), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	writeJSON(t, filepath.Join(folder, RunFile), run)
	j := &journey.Journeys{Started: epoch}
	for i := range 40 {
		took := longest * time.Duration(1+i) / 40
		j.Events = append(j.Events, journey.Event{Done: took, Answered: took, Outcome: "ack", Connected: true})
	}
	var log bytes.Buffer
	if err := j.WriteLog(&log); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, LatenciesFile), log.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestLatencies: a cell has the median of its runs' percentiles, the longest of all
// and the sum of the losses, also after a round trip through JSON.
func TestLatencies(t *testing.T) {
	dir := t.TempDir()
	traced(t, dir, 1, 10*time.Millisecond, nil)
	traced(t, dir, 2, 20*time.Millisecond, journey.Losses{"nak'd": 1, "never connected": 2})
	traced(t, dir, 3, 60*time.Millisecond, journey.Losses{"nak'd": 4})
	set, err := Load(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{}
	for _, stage := range []string{"ack", "delivery"} {
		want[stage+"-p50-sec"], want[stage+"-p99-sec"], want[stage+"-max-sec"] = 0.01, 0.02, 0.06
	}
	lost := journey.Losses{"nak'd": 5, "never connected": 2}
	if m := set.Cells[0]; !reflect.DeepEqual(m.Latencies, want) || !reflect.DeepEqual(m.Losses, lost) {
		t.Errorf("got %v, %v, want %v, %v", m.Latencies, m.Losses, want, lost)
	}
	var text bytes.Buffer
	if err := set.WriteJSON(&text, true); err != nil {
		t.Fatal(err)
	}
	again, err := Read(&text, "again", Options{})
	if err != nil || !reflect.DeepEqual(again.Cells[0].Latencies, want) ||
		!reflect.DeepEqual(again.Cells[0].Losses, lost) {
		t.Errorf("after JSON: got %+v, %v", again, err)
	}

	cells, err := LoadLatencies(t.Context(), dir, journey.Ack)
	if err != nil || len(cells) != 1 || cells[0].Runs != 3 || cells[0].Histogram.TotalCount() != 120 {
		t.Fatalf("histograms: got %+v, %v, want one of 120 events in three runs", cells, err)
	}
	if got := time.Duration(cells[0].Histogram.Max()).Round(time.Millisecond); got != 60*time.Millisecond {
		t.Errorf("the slowest event took %v, want 60ms", got)
	}
	if err := os.Remove(filepath.Join(dir, "embedded", "0ms", "8c", "run2", LatenciesFile)); err != nil {
		t.Fatal(err)
	}
	cells, err = LoadLatencies(t.Context(), dir, journey.Ack)
	if len(cells) != 1 || cells[0].Runs != 2 || err == nil || !strings.Contains(err.Error(), "run2") {
		t.Errorf("without a file: got %+v, %v, want the others, and its name", cells, err)
	}
}
