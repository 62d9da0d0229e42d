package judge

import (
	"strings"
	"testing"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/journey"
)

func TestWriteLatencies(t *testing.T) {
	cells := []CellJudgement{
		{CellRuns: &results.CellRuns{Cell: matrix.Cell{Conns: 8},
			Latencies: map[string]float64{"ack-p50-sec": 928e-6, "ack-p99-sec": 0.0125},
			Losses:    journey.Losses{"stored and not delivered": 1333}}},
		{CellRuns: &results.CellRuns{Cell: matrix.Cell{Conns: 64}}},
	}
	var b strings.Builder
	writeLatencies(&b, cells)
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"latency conns ack p50 ack p99", "0ms 8 928 µs 12.5 ms - -", "0ms, 8c: astray: 1,333 stored and not delivered",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("got %q, want %q in it", text, want)
		}
	}
	b.Reset()
	if writeLatencies(&b, cells[1:]); b.Len() > 0 {
		t.Errorf("without latencies: got %q", b.String())
	}
}
