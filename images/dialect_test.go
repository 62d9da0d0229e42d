package images

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cometbench/subject"
)

func TestDialect(t *testing.T) {
	for _, tt := range []struct{ file, broker, subscriber string }{
		{
			"help-1.1.0.txt",
			"--local-ivo=ivo://cometbench/broker --eventdb=D --receive --broadcast",
			"--local-ivo=ivo://cometbench/broker --eventdb=D --remote=b",
		},
		{
			"help-3.1.0.txt",
			"--local-ivo=ivo://cometbench/broker --eventdb=D --receive --broadcast",
			"--local-ivo=ivo://cometbench/broker --eventdb=D --remote=b",
		},
		{ // a later source that reads its options with argparse
			"help-argparse.txt",
			"--local-ivo=ivo://cometbench/broker --eventdb=D --receive=tcp:8098 --broadcast=tcp:8099",
			"--local-ivo=ivo://cometbench/broker --eventdb=D --subscribe=tcp:b:8099",
		},
		{ // and one that keeps Twisted's
			"help-endpoints.txt",
			"--eventdb=D --receive=tcp:8098 --broadcast=tcp:8099",
			"--eventdb=D --subscribe=tcp:b:8099",
		},
	} {
		const begin = "twistd -n --pidfile= --reactor=epoll --logfile=L comet "
		help, err := os.ReadFile(filepath.Join("testdata", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDialect(options(string(help)))
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if got := strings.Join(d.BrokerCommand(subject.Subject{}, "D", "L"), " "); got != begin+tt.broker {
			t.Errorf("%s: broker %s\nwant %s", tt.file, got, tt.broker)
		}
		if got := strings.Join(d.SubscriberCommand("b", "D", "L"), " "); got != begin+tt.subscriber {
			t.Errorf("%s: subscriber %s\nwant %s", tt.file, got, tt.subscriber)
		}
	}
	for _, help := range []string{
		"", "Usage: twistd\n --receive\n", "  --receive  x\n  --broadcast x\n  --remote= x\n",
	} {
		if d, err := newDialect(options(help)); err == nil {
			t.Errorf("newDialect(%q) = %v, want an error", help, d)
		}
	}
}

// TestArguments: those of a subject follow ours, and events are saved beside the
// log, not among the databases.
func TestArguments(t *testing.T) {
	d := Dialect{subscribe: "remote", eventDB: "eventdb"}
	for _, tt := range []struct{ arguments, want string }{
		{"", ""},
		{"--cmd=/bin/true", " --cmd=/bin/true"},
		{"--save-event", " --save-event-directory=/tmp --save-event"},
		{"--save-event --save-event-directory=/x", " --save-event --save-event-directory=/x"},
	} {
		b, err := subject.Parse("comet-3.1.0 " + tt.arguments)
		if tt.arguments == "" {
			b, err = subject.Parse("comet-3.1.0")
		}
		if err != nil {
			t.Fatal(err)
		}
		want := "twistd -n --pidfile= --reactor=epoll --logfile=/tmp/L comet --eventdb=D --receive --broadcast" +
			tt.want
		if got := strings.Join(d.BrokerCommand(b, "D", "/tmp/L"), " "); got != want {
			t.Errorf("%s: got %s\nwant %s", tt.arguments, got, want)
		}
	}
}

func TestRefusal(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"Usage: twistd\n  --x\n\n/opt/bin/twistd -n: option --nope not recognized\n\n\nrun timeout: exit code 1: ",
			"option --nope not recognized"},
		{"Usage: twistd\n  --x\n\n/opt/bin/twistd: option --nope not recognized\n", "option --nope not recognized"},
		{"exit code 1: Traceback\n  x\nValueError: no network", "ValueError: no network"},
	} {
		if got := refusal(tt.text); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
