package experiment

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cometbench/embedded"
	"cometbench/internal/tail"
	"cometbench/results/journey"
	"cometbench/testbed"
)

// What Comets of all releases log when they drop a subscriber, and when they have
// lost their broker.
const (
	cometDrops   = "dropping connection"
	cometRetries = "will retry"
)

// cause returns, in words, why a block of events didn't reach the subscriber, ""
// where no log tells of it. A log that can't be read tells of nothing.
func (x *Experiment) cause(ctx context.Context, started time.Time, b journey.Block) string {
	if b.Loss != journey.NotDelivered && b.Loss != journey.UndeliveredAck {
		return ""
	}
	// A Comet's log has whole seconds. The first event of a block was stored just
	// before or after the connection was lost; a subscriber comes back a second
	// or two after.
	from, to := started.Add(b.First-time.Second), started.Add(b.Last+2*time.Second)
	var replaced, dropped string
	within := func(line string) bool {
		stamp, _, _ := strings.Cut(line, " ")
		at, err := logTime(stamp)
		return err == nil && !at.Before(from) && !at.After(to)
	}
	if x.subject.ours(testbed.Subscriber) {
		text, err := os.ReadFile(filepath.Join(x.folder(testbed.Subscriber), embedded.ConnectionsFile))
		if err != nil {
			return ""
		}
		for line := range strings.Lines(string(text)) {
			if within(strings.TrimSpace(line)) {
				replaced = "the subscriber's connection was replaced"
			}
		}
		return replaced
	}
	read := func(p testbed.Process, words string, found *string) {
		lines := &tail.Tail{Each: func(line string) bool {
			if strings.Contains(line, words) && within(line) {
				*found = line
			}
			return true
		}}
		if err := p.Log(ctx, lines); err != nil {
			*found = ""
		}
	}
	read(x.subscriber, cometRetries, &replaced)
	read(x.broker, cometDrops, &dropped)
	switch {
	case replaced == "":
		return ""
	case dropped == "":
		return "the subscriber's connection was replaced"
	}
	return fmt.Sprintf("the subscriber's connection was replaced; the broker had logged %q", message(dropped))
}

// logTime reads the time at which a line was logged: Twisted writes the offset of
// the time zone without a colon, and our subscriber as RFC 3339 has it.
func logTime(stamp string) (time.Time, error) {
	at, err := time.Parse("2006-01-02T15:04:05-0700", stamp)
	if err != nil {
		return time.Parse(time.RFC3339Nano, stamp)
	}
	return at, nil
}

// message returns what a line of a Twisted log says, after its time and system.
func message(line string) string {
	if _, text, ok := strings.Cut(line, "] "); ok {
		return text
	}
	return line
}
