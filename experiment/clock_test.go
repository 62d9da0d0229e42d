package experiment

import (
	"testing"
	"time"

	"cometbench/internal/agent"
)

// TestClocksBetween: whatever the clocks do between two readings, from one to the
// other, the offset is within the error.
func TestClocksBetween(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name          string
		read          []agent.Clock
		offset, error time.Duration
	}{
		{"steady", []agent.Clock{{Offset: 5 * ms, Error: ms}, {Offset: 5 * ms, Error: ms}}, 5 * ms, ms},
		{"better read afterwards", []agent.Clock{{Offset: 5 * ms, Error: 4 * ms}, {Offset: 4 * ms, Error: ms}}, 5 * ms,
			4 * ms},
		{"drifts", []agent.Clock{{Offset: -4 * ms, Error: ms}, {Offset: 4 * ms, Error: ms}}, 0, 5 * ms},
		{"was set", []agent.Clock{{Offset: 0, Error: ms}, {Offset: -2000 * ms, Error: ms}}, -1000 * ms, 1001 * ms},
	} {
		c := (&clocks{read: tt.read}).between()
		if c.Offset != tt.offset || c.Error != tt.error {
			t.Errorf("%s: got %+v, want %v ± %v", tt.name, c, tt.offset, tt.error)
		}
	}
	if c := new(clocks).between(); c != nil {
		t.Errorf("got %v of clocks that weren't read", c)
	}
}
