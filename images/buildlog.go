package images

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"cometbench/internal/engine"
	"cometbench/subject"

	"github.com/ory/dockertest/v3/docker"
)

// silence is how long a build may print nothing. What takes longest, packages
// being downloaded and unpacked, takes seconds.
const silence = 2 * time.Minute

// run builds. The error is a *buildError where the build itself failed.
func (bu *Builder) run(ctx context.Context, o docker.BuildImageOptions) error {
	return bu.runWatched(ctx, o, silence)
}

func (bu *Builder) runWatched(ctx context.Context, o docker.BuildImageOptions, silence time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	mute := time.AfterFunc(silence, func() {
		cancel(fmt.Errorf("build: the engine printed nothing for %v: restart it if \"docker info\" has no answer, "+
			"else see whether it reaches the Python registry", silence))
	})
	defer mute.Stop()
	output := &buildLog{printed: func() { mute.Reset(silence) }}
	o.OutputStream, o.Context = output, ctx
	o.RmTmpContainer, o.ForceRmTmpContainer = true, true
	_, err := engine.Await(ctx, func() (struct{}, error) { return struct{}{}, bu.Client.BuildImage(o) })
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return newBuildError(err, output.String())
}

// buildLog keeps what a build prints.
type buildLog struct {
	printed func() // is called when there is more
	mu      sync.Mutex
	text    bytes.Buffer
}

func (l *buildLog) Write(b []byte) (int, error) {
	l.printed()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *buildLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// buildError is a build that failed.
type buildError struct {
	cause string // the line of the output that says why, or the engine's error
	end   string // of the output, for a person
	err   error
}

var (
	// An engine colours what goes to stderr.
	colour = regexp.MustCompile("\x1b\\[[0-9;]*m")
	// The exceptions of Python, and pip's own errors.
	exception = regexp.MustCompile(`^\s*((?:[a-z]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit)\b.*)$`)
	pipError  = regexp.MustCompile(`^\s*(?:ERROR|error): (.*)$`)
	// What pip says in its log of a registry that it can't reach or that refuses.
	// Its error is then that there is no such version.
	unreached = regexp.MustCompile(`Could not fetch URL .*?(?: - skipping)?$`)
)

const shownLines = 12

// newBuildError reads what a build has printed: that the registry couldn't
// be had is the cause, or the last exception of Python, or the first error of pip's.
func newBuildError(err error, output string) *buildError {
	var lines []string
	var raised, refused, unanswered string
	for line := range strings.Lines(colour.ReplaceAllString(output, "")) {
		if line = strings.TrimRight(line, " \r\n"); line == "" || strings.Contains(line, "━") { // a progress bar
			continue
		}
		lines = append(lines, line)
		if m := exception.FindStringSubmatch(line); m != nil {
			raised = m[1]
		}
		if m := pipError.FindStringSubmatch(line); m != nil && refused == "" {
			refused = m[1]
		}
		unanswered = cmp.Or(strings.TrimSuffix(unreached.FindString(line), " - skipping"), unanswered)
	}
	e := &buildError{cause: cmp.Or(raised, refused, err.Error()), err: err}
	if unanswered != "" {
		e.cause = "the Python registry can't be had: " + unanswered
	}
	e.end = strings.Join(lines[max(0, len(lines)-shownLines):], "\n")
	return e
}

func (e *buildError) Error() string {
	return fmt.Sprintf("its build failed: %s\nThe end of what the build printed:\n%s", e.cause, e.end)
}

func (e *buildError) Unwrap() error { return e.err }

// otherPython are errors of code that is written for another generation of
// Python than the one that reads it.
var otherPython = regexp.MustCompile(
	`^(SyntaxError|TabError|IndentationError|ModuleNotFoundError|ImportError|NameError)\b`)

// explain adds to the error of a build what its recipe has chosen, where that
// may be wrong.
func (r *recipe) explain(b subject.Subject, err error) error {
	failed, ok := err.(*buildError)
	if !ok || r.source == nil || b.Python != "" || !otherPython.MatchString(failed.cause) {
		return err
	}
	other := "2.7"
	if strings.HasPrefix(r.python, "2.") {
		other = "3.11"
	}
	failed.cause += fmt.Sprintf("\nIt was built for Python %s. If it is written for another, say so: %s+python%s",
		r.python, b.Name, other)
	return failed
}
