package experiment

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cometbench/embedded"
	"cometbench/results/journey"
	"cometbench/subject"
	"cometbench/testbed"
)

// logged is a role of which only the log is there.
type logged struct {
	testbed.Process
	text string
}

func (l logged) Log(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, l.text)
	return err
}

// TestCause: the cause of a loss is what a log of the same time says, or nothing.
func TestCause(t *testing.T) {
	started := time.Date(2026, 11, 25, 16, 0, 0, 0, time.UTC)
	block := journey.Block{Loss: journey.NotDelivered, First: 59 * time.Second, Last: 60 * time.Second}
	// As Comet 3.1.0 logs them.
	const (
		lost = "2026-11-25T16:00:59+0000 [VOEventSubscriberFactory] INFO Connection to " +
			"IPv4Address(type='TCP', host='172.18.0.2', port=8099) lost; will retry in 1 second\n"
		earlier = "2026-11-25T16:00:07+0000 [VOEventSubscriberFactory] INFO Connection to " +
			"IPv4Address(type='TCP', host='172.18.0.2', port=8099) failed; will retry in 1 second\n"
		drops = "2026-11-25T16:00:59+0000 [-] INFO Peer is not acknowledging events; dropping connection\n"
	)
	const replaced = "the subscriber's connection was replaced"
	for _, tt := range []struct{ name, subscriber, broker, want string }{
		{"Comet drops its subscriber", earlier + lost, drops,
			replaced + `; the broker had logged "INFO Peer is not acknowledging events; dropping connection"`},
		{"a connection is lost", lost, "", replaced},
		{"at another time", earlier, "", ""},
		{"nothing is logged", "", "", ""},
	} {
		x := &Experiment{
			subject:    &Subject{Subject: subject.Subject{Kind: subject.Release}},
			subscriber: logged{text: tt.subscriber}, broker: logged{text: tt.broker},
		}
		if got := x.cause(t.Context(), started, block); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}

	x := &Experiment{subject: &Subject{Subject: subject.Subject{Kind: subject.Embedded}}, dir: t.TempDir()}
	if err := os.Mkdir(x.folder(testbed.Subscriber), 0o700); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]string{-time.Second: "", 60 * time.Second: replaced} {
		text := started.Add(at).Format(time.RFC3339Nano) + "\n"
		name := filepath.Join(x.folder(testbed.Subscriber), embedded.ConnectionsFile)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := x.cause(t.Context(), started, block); got != want {
			t.Errorf("our subscriber connected after %v: got %q, want %q", at, got, want)
		}
	}
	block.Loss = journey.NotStored
	if got := x.cause(t.Context(), started, block); got != "" {
		t.Errorf("a loss before the subscriber: got %q", got)
	}
}
