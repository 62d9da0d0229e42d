package journey

import (
	"reflect"
	"testing"
	"time"
)

// TestLosses loses one event in each way.
func TestLosses(t *testing.T) {
	fail := func(e *Event, outcome string, connected bool) {
		e.Outcome, e.Connected = outcome, connected
		e.stored[Broker], e.stored[Delivery] = never, never
	}
	for want, lose := range map[string]func(*Journeys, *Event){
		"never connected":          func(_ *Journeys, e *Event) { fail(e, "timeout", false) },
		"connected and not acked":  func(_ *Journeys, e *Event) { fail(e, "reset", true) },
		"nak'd":                    func(_ *Journeys, e *Event) { fail(e, "nak", true) },
		"acked and not stored":     func(_ *Journeys, e *Event) { fail(e, "ack", true) },
		"stored and not delivered": func(_ *Journeys, e *Event) { e.stored[Delivery] = never },
		"acked and not delivered": func(j *Journeys, e *Event) {
			j.joined[Broker].known = false
			e.stored[Delivery] = never
		},
		"delivered late":  func(_ *Journeys, e *Event) { e.stored[Delivery] += 1100 * ms },
		"delivered twice": func(j *Journeys, _ *Event) { j.again = append(j.again, 3) },
	} {
		j := arrived(10)
		lose(j, &j.Events[3])
		if got := j.Losses(); !reflect.DeepEqual(got, Losses{want: 1}) {
			t.Errorf("got %v, want one %s", got, want)
		}
	}
	j := arrived(10)
	j.Events[3].Outcome = "nak"
	if got, want := j.Losses(), (Losses{"nak'd": 1, "stored though nak'd": 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := arrived(10).Losses(); got != nil {
		t.Errorf("where nothing was lost: got %v", got)
	}
}

// TestBacklogIsNotLate: events that wait in a line overtake nobody.
func TestBacklogIsNotLate(t *testing.T) {
	j := arrived(100)
	for i := range j.Events {
		j.Events[i].stored[Delivery] += time.Duration(i) * 50 * ms
	}
	if got := j.Losses(); got != nil {
		t.Errorf("got %v, want none", got)
	}
}

// TestBlocks has a block as Comet 3.1.0 loses it at its alive check, and events
// that were lost one by one.
func TestBlocks(t *testing.T) {
	j := arrived(2000)
	for i := range j.Events {
		if 100 <= i && i < 1433 || i == 1700 {
			j.Events[i].stored[Delivery] = never
		}
		if i > 1994 {
			j.Events[i].Outcome, j.Events[i].Connected = "refused", false
			j.Events[i].stored[Broker], j.Events[i].stored[Delivery] = never, never
		}
	}
	var got []string
	for _, b := range j.Blocks() {
		got = append(got, b.String())
	}
	want := []string{
		"1,333 events in a row (101 to 1,433 in the broker's order, 0.10 s to 1.43 s after its first), " +
			"stored by the broker, not delivered, within 1.33 s",
		"5 events in a row (1,996 to 2,000 in the author's order, 2.00 s to 2.00 s after its first), " +
			"never connected, within 0.00 s",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	warnings := j.Summary(func(Block) string { return "" }).Warnings()
	if len(warnings) != 2 || warnings[1] != want[0]+"; "+want[1] ||
		warnings[0] != "events went astray: 5 never connected, 1,334 stored and not delivered" {
		t.Errorf("warnings: %q", warnings)
	}
}
