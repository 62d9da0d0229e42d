package experiment

import (
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/subject"
)

// TestAliveNote: only Comets' cells of more than a minute meet the alive check.
func TestAliveNote(t *testing.T) {
	s := &Series{subjects: map[string]*Subject{
		"comet-3.1.0": {Subject: subject.Subject{Kind: subject.Release}},
		"embedded":    {Subject: subject.Subject{Kind: subject.Embedded}},
	}}
	for _, tt := range []struct {
		cell matrix.Cell
		want bool
	}{
		{matrix.Cell{Broker: "comet-3.1.0", Conns: 16, Events: 10_000}, false},
		{matrix.Cell{Broker: "comet-3.1.0", Conns: 16, Events: 100_000}, true},
		{matrix.Cell{Broker: "comet-3.1.0", Conns: 8, Events: 10_000, Latency: 100 * time.Millisecond}, true},
		{matrix.Cell{Broker: "embedded", Conns: 16, Events: 100_000}, false},
	} {
		note := s.aliveNote([]matrix.Cell{tt.cell})
		if (note != "") != tt.want || tt.want && !strings.Contains(note, tt.cell.Dir()) {
			t.Errorf("%v: got %q, want a note: %v", tt.cell, note, tt.want)
		}
	}
}
