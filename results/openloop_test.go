package results

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results/backlog"
)

// TestOpenLoops: a tree keeps rates apart, and from closed loops; and so does what
// is printed of it.
func TestOpenLoops(t *testing.T) {
	dir := t.TempDir()
	closed := matrix.Cell{Broker: "embedded", Conns: 1024, Events: 100}
	cells := []matrix.Cell{closed, closed, closed, closed}
	cells[1].Rate, cells[2].Rate = 50, 250
	cells[3].Pace = matrix.Pace{Rate: 250, Poisson: true}
	for i, cell := range cells {
		m := madeRun{
			cell: cell, elapsed: 2 * time.Second, acked: 100, broker: spread(100, 2), subscriber: spread(100, 2),
			stored: true,
		}
		run := m.write(t, dir, 1)
		if cell.Rate > 0 {
			run.OpenLoop = &OpenLoop{
				Offered: cell.Rate, Achieved: cell.Rate - 1, ScheduleP99: time.Duration(i) * time.Microsecond,
				Backlog: &backlog.Trend{End: i, Verdict: backlog.KeepsUp}, Verdict: "keeps up",
			}
			writeJSON(t, filepath.Join(dir, filepath.FromSlash(cell.Dir()), "run1", RunFile), run)
		}
	}
	tree, err := Load(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := WriteBenchmark(context.Background(), &text, dir, Options{}, func(s string) { t.Error(s) }); err != nil {
		t.Fatal(err)
	}
	printed, err := Read(&text, "printed", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]*Set{"the tree": tree, "its records": printed} {
		if len(set.Cells) != 1 || set.Cells[0].Cell != closed || len(set.Open) != 3 {
			t.Fatalf("%s: got %+v and %+v, want one cell of a closed loop, and three others", name, set.Cells, set.Open)
		}
		for i, m := range set.Open {
			if m.Cell != cells[1+i] || len(m.Runs) != 1 || m.Runs[0].Figures["backlog-events"] != float64(1+i) ||
				m.Runs[0].Figures["offered-events/s"] != m.Cell.Rate {
				t.Errorf("%s: got %+v, want %s", name, m, cells[1+i])
			}
		}
	}
	// Metrics of open loops are named where there are any.
	for _, open := range []bool{true, false} {
		var units bytes.Buffer
		run := &Run{Cell: closed}
		if open {
			run.Cell.Rate = 1
		}
		if err := WriteUnits(&units, []*Run{run}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(units.String(), "backlog-events") != open {
			t.Errorf("open loop %t: got %s", open, &units)
		}
	}
}
