package images

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDialect(t *testing.T) {
	for _, tt := range []struct{ file, broker, subscriber string }{
		{
			"help-1.1.0.txt",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --receive --broadcast",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --remote=b",
		},
		{
			"help-3.1.0.txt",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --receive --broadcast",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --remote=b",
		},
		{ // a later source that reads its options with argparse
			"help-argparse.txt",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --receive=tcp:8098 --broadcast=tcp:8099",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --local-ivo=ivo://cometbench/broker --eventdb=D --subscribe=tcp:b:8099",
		},
		{ // and one that keeps Twisted's
			"help-endpoints.txt",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --eventdb=D --receive=tcp:8098 --broadcast=tcp:8099",
			"twistd -n --pidfile= --reactor=epoll --logfile=L comet --eventdb=D --subscribe=tcp:b:8099",
		},
	} {
		help, err := os.ReadFile(filepath.Join("testdata", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		d, err := newDialect(options(string(help)))
		if err != nil {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		if got := strings.Join(d.BrokerCommand("D", "L"), " "); got != tt.broker {
			t.Errorf("%s: broker %s\nwant %s", tt.file, got, tt.broker)
		}
		if got := strings.Join(d.SubscriberCommand("b", "D", "L"), " "); got != tt.subscriber {
			t.Errorf("%s: subscriber %s\nwant %s", tt.file, got, tt.subscriber)
		}
	}
	for _, help := range []string{"", "Usage: twistd\n --receive\n", "  --receive  x\n  --broadcast x\n  --remote= x\n"} {
		if d, err := newDialect(options(help)); err == nil {
			t.Errorf("newDialect(%q) = %v, want an error", help, d)
		}
	}
}
