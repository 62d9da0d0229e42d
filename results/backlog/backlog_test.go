package backlog

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// queue returns when events that are due at a rate are delivered by a broker that
// takes one after another, each for a time, and stands still for a while.
func queue(events int, rate float64, each, from, pause time.Duration) (due, delivered []time.Duration) {
	var free time.Duration
	for i := range events {
		at := time.Duration(float64(i) / rate * float64(time.Second))
		begin := max(at, free)
		if begin >= from && begin < from+pause {
			begin = from + pause
		}
		free = begin + each
		due, delivered = append(due, at), append(delivered, free)
	}
	return due, delivered
}

func TestFloors(t *testing.T) {
	s := func(list ...int) (times []time.Duration) {
		for _, n := range list {
			times = append(times, time.Duration(n)*time.Second)
		}
		return times
	}
	// Backlog: 1 at 0, 2 at 1, 1 at 3, 2 at 3, 3 at 4, 2 at 5, 3 at 6, 4 at 8.
	due, delivered := s(0, 1, 3, 4, 6, 8), s(20, 3, 9, 5, 30, 40)
	if got, end := floors(due, delivered, 4); !slices.Equal(got, []int{0, 1, 2, 3}) || end != 4 {
		t.Errorf("got the floors %v and %d at the end, want 0 1 2 3 and 4", got, end)
	}
	if got := Steps([]int{0, 1, 2, 4}, 8); !slices.Equal(got, []float64{0.5, 1}) {
		t.Errorf("got the steps %v, want 0.5 and 1", got)
	}
}

func TestVerdict(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name        string
		events      int
		rate        float64
		each        time.Duration
		from, pause time.Duration
		want        Verdict
		end         int
		text        string
	}{
		{"idle", 7500, 250, ms, 0, 0, KeepsUp, 1, "keeps up with 250 events/s: 1 event was"},
		{"few events", 20, 5, 100 * ms, 0, 0, KeepsUp, 1, ""},
		{"one event", 1, 5, 100 * ms, 0, 0, KeepsUp, 1, ""},
		{"almost busy", 7500, 250, 3990 * time.Microsecond, 0, 0, KeepsUp, 1, ""},
		{"a pause", 1000, 50, ms, 10 * time.Second, time.Second, KeepsUp, 1, ""},
		{"a pause at the end", 1000, 50, ms, 19 * time.Second, 2 * time.Second, KeepsUp, 50,
			"keeps up with 50 events/s: 50 events"},
		{"too slow by 2 %", 7500, 250, 4080 * time.Microsecond, 0, 0, FallsBehind, 149,
			"doesn't keep up with 250 events/s: 149 events"},
		{"half as fast", 7500, 250, 8 * ms, 0, 0, FallsBehind, 3751, "grew by 50 % of what became due"},
		{"stands still in the end", 1000, 50, ms, 18 * time.Second, 9 * time.Second, CantTell, 100, "can't tell"},
	} {
		due, delivered := queue(tt.events, tt.rate, tt.each, tt.from, tt.pause)
		got := New(due, delivered)
		if got.Verdict != tt.want || got.End != tt.end || !strings.Contains(got.Words(tt.rate), tt.text) {
			t.Errorf("%s: got %+v (%s), want %s and %d at the end", tt.name, got, got.Words(tt.rate), tt.want, tt.end)
		}
	}
	if got := New(nil, nil); got.Verdict != CantTell {
		t.Errorf("without events: got %+v", got)
	}
}
