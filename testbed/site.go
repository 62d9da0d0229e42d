package testbed

import (
	"context"
	"errors"
	"io"
	"time"

	"cometbench/netem"
)

// part is one of the three programs of a run.
type part string

const (
	brokerPart     part = "broker"
	subscriberPart part = "subscriber"
	authorPart     part = "author"
)

// errChanging is the error of a copy of files that were being written: a page of
// a database may be half of one state and half of another, and look well.
var errChanging = errors.New("files changed while they were read")

// site is where the parts of one run live: containers of an engine, or
// processes of this machine. A site is made for one run and closed after it;
// closing is right at any time, also after a start that failed.
//
// Methods that take a context end with it. Errors name the part and carry the
// tail of its log where it has one.
type site interface {
	// prepare makes what the parts share, before the first is started.
	prepare(ctx context.Context) error

	// start starts a part: the broker first, then the place that the author
	// will run in (perhaps side by side), then the subscriber, attached to
	// the broker. It doesn't wait for readiness.
	start(ctx context.Context, p part) error

	// pinned says in words which processors the parts are kept to, "" where
	// the kernel chooses.
	pinned() string

	// died delivers an error when a part has ended although nobody stopped it.
	died() <-chan error

	// brokerAddr is where the broker receives, as the author's place reaches it.
	brokerAddr() string

	// command runs cometbench with args in the author's place, to its end.
	command(ctx context.Context, stdout, stderr io.Writer, args ...string) error

	// authorDir is a folder in the author's place that a command can write to.
	authorDir() string

	// delay delays what the author's place sends, until undelay or close. It
	// returns the kind that does it, "kernel" or "userspace".
	delay(ctx context.Context, latency time.Duration) (kind string, err error)

	// undelay takes the delay away and returns what it did.
	undelay(ctx context.Context) (netem.Stats, error)

	// copyOut copies the files of a part (its event databases; the author's
	// folder) into the folder dir of this machine. The error is errChanging
	// where a file was seen to change meanwhile.
	copyOut(ctx context.Context, p part, dir string) error

	// netstat returns the text of /proc/net/netstat of the part's network
	// namespace, "" where there is no such thing.
	netstat(ctx context.Context, p part) (string, error)

	// harnessCPU is the CPU time used so far by broker and subscriber where
	// they are our own, else 0.
	harnessCPU(ctx context.Context) (time.Duration, error)

	// close stops the parts with SIGTERM, and removes all that start made.
	close(ctx context.Context) error
}
