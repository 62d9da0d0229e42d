package experiment

import (
	"testing"
	"time"

	"cometbench/internal/agent"
	"cometbench/results"
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

// TestBrokersClock: where the broker's clock is an hour ahead, the author started an
// hour later by it; and what is reckoned by both is as coarse as the error.
func TestBrokersClock(t *testing.T) {
	x := &Experiment{}
	x.report.Started = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	x.run.Clocks = &results.Clocks{Offset: time.Hour, Error: 3 * time.Millisecond}
	if got, want := x.authorStarted(), x.report.Started.Add(time.Hour); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	fine, coarse := results.Database{Resolution: time.Microsecond}, results.Database{Resolution: 10 * time.Millisecond}
	if a, b := x.resolution(fine), x.resolution(coarse); a != 6*time.Millisecond || b != coarse.Resolution {
		t.Errorf("got the resolutions %v and %v, want 6ms and 10ms", a, b)
	}
	const ms = time.Millisecond
	for _, tt := range []struct {
		error, rtt time.Duration
		doubted    bool
	}{{9 * ms, 0, false}, {11 * ms, 0, true}, {11 * ms, 20 * ms, false}} {
		x.run.Clocks.Error, x.run.BaseRTT = tt.error, tt.rtt
		if got := x.clockDoubt() != ""; got != tt.doubted {
			t.Errorf("error %v, round trip %v: doubted: %t", tt.error, tt.rtt, got)
		}
	}
}
