package experiment

import (
	"errors"
	"testing"

	"cometbench/internal/require"
	"cometbench/matrix"
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
	s, err = NewSeries(t.Context(), Options{Brokers: list, Testbed: testbed.Config{Executable: testbed.Build, Pin: true}})
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
			got, err := s.Round(t.Context(), Round{Old: labels[0], New: labels[0], Cell: matrix.Cell{Conns: 4}, Long: long})
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
			for side, run := range got.Runs {
				if run.Author.Sent < long || run.Author.Acked != run.Author.Sent || run.Subscriber.Entries != run.Author.Sent {
					t.Errorf("side %d: %d events sent, %d acked, %d delivered; want as many, and %d at least",
						side, run.Author.Sent, run.Author.Acked, run.Subscriber.Entries, long)
				}
			}
		})
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
