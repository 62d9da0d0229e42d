package experiment

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/paired"
	"cometbench/subject"
	"cometbench/testbed"
)

// newSeries makes a series of brokers that is closed at the test's end.
func newSeries(t *testing.T, brokers string) (s *Series, labels []string) {
	t.Helper()
	list, err := subject.ParseList(brokers)
	if err != nil {
		t.Fatal(err)
	}
	s, err = NewSeries(t.Context(), Options{
		Brokers: list, Testbed: testbed.Config{Executable: testbed.Build, Pin: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, b := range list {
		labels = append(labels, s.Label(b.Name))
	}
	return s, labels
}

// TestRound makes a round of equals, and finds all events, and all witnesses of
// each batch.
func TestRound(t *testing.T) {
	for _, broker := range []string{"embedded", subject.Newest} {
		t.Run(broker, func(t *testing.T) {
			if broker != "embedded" {
				require.Docker(t)
			}
			s, labels := newSeries(t, broker)
			const long = 9000
			equals := Round{Old: labels[0], New: labels[0], Cell: matrix.Cell{Conns: 4}, Long: long, NewFirst: true}
			got, err := s.Round(t.Context(), equals)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Pairs) < minPairs || len(got.Pairs) > roundPairs || got.Events < 4*eventsPerConn {
				t.Errorf("got %d pairs of %d events", len(got.Pairs), got.Events)
			}
			for i, p := range got.Pairs {
				for _, w := range paired.Witnesses() {
					if p.Old[w] <= 0 || p.New[w] <= 0 {
						t.Errorf("pair %d: %s: got %v and %v, want times", i+1, w, p.Old[w], p.New[w])
					}
				}
				if p.Old[paired.Delivery] > 2*p.Old[paired.Time] {
					t.Errorf("pair %d: delivered in %v, sent in %v", i+1, p.Old[paired.Delivery], p.Old[paired.Time])
				}
			}
			if n := got.Neighbours; n.Foreign < 0 || n.Foreign >= 1 || n.Steal < 0 || n.Steal > mostSteal {
				t.Errorf("got %+v, want shares", n)
			}
			for side, run := range got.Runs {
				sent := run.Author.Sent
				if sent < long || run.Author.Acked != sent || run.Subscriber.Entries != sent {
					t.Errorf("side %d: %d events sent, %d acked, %d delivered; want as many, and %d at least",
						side, sent, run.Author.Acked, run.Subscriber.Entries, long)
				}
			}
		})
	}
}

// TestDisturbed: what others did, a full listen queue and a late delay make a
// round void; busy neighbours don't.
func TestDisturbed(t *testing.T) {
	const second = time.Second
	for _, tt := range []struct {
		name  string
		batch results.Usage
		late  time.Duration
		want  string // "" for a round that isn't void
	}{
		{"calm", results.Usage{Machine: results.MachineUsage{Busy: second, Idle: second}}, 0, ""},
		{"busy neighbours", results.Usage{Machine: results.MachineUsage{Busy: 10 * second}}, 0, ""},
		{"steal", results.Usage{Machine: results.MachineUsage{Busy: 7 * second, Idle: second, Steal: second}}, 0,
			"the hypervisor took 11 % of the processors' time, more than 10 %"},
		{"some steal", results.Usage{Machine: results.MachineUsage{Busy: 18 * second, Steal: second}}, 0, ""},
		{"full queue", results.Usage{ListenDrops: 3}, 0, "the kernel dropped 0 and 3 connection attempts"},
		{"late delay", results.Usage{}, 1001 * time.Microsecond, "held for 1.001ms longer than asked for"},
		{"delay in time", results.Usage{}, 999 * time.Microsecond, ""},
	} {
		cell := matrix.Cell{Latency: 10 * time.Millisecond}
		p := &pairing{sides: [2]*Experiment{{cell: cell}, {cell: cell, run: results.Run{Lateness: tt.late}}}}
		p.note(tt.batch)
		p.dropped[1] = tt.batch.ListenDrops
		err := p.disturbed()
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestBlame: a broker that isn't ready is at fault where the other one was ready
// soon.
func TestBlame(t *testing.T) {
	late := errors.Join(&SideError{1, errors.New("not ready")})
	for _, tt := range []struct {
		ready [2]time.Duration
		fault bool
	}{
		{[2]time.Duration{3 * time.Second, readyDeadline}, true},
		{[2]time.Duration{3 * time.Second, time.Second}, true},
		{[2]time.Duration{12 * time.Second, readyDeadline}, false},
		{[2]time.Duration{readyDeadline, readyDeadline}, false},
	} {
		var fault *SideError
		err := blame(late, tt.ready)
		if errors.As(err, &fault) != tt.fault || !strings.Contains(err.Error(), "not ready") {
			t.Errorf("%v: got %v, want a fault of the broker: %v", tt.ready, err, tt.fault)
		}
	}
}

// TestRoundFault: the error of a round names the side whose fault it is.
func TestRoundFault(t *testing.T) {
	s, labels := newSeries(t, "embedded")
	bad := *s.subjects[labels[0]]
	bad.Subject.Kind, bad.Subject.Path = subject.Remote, "127.0.0.1:1" // where nobody listens
	s.subjects["bad"] = &bad
	_, err := s.Round(t.Context(), Round{Old: labels[0], New: "bad", Cell: matrix.Cell{Conns: 4}})
	var fault *SideError
	if !errors.As(err, &fault) || fault.Side != 1 {
		t.Errorf("got %v, want an error of the second broker", err)
	}
}
