package require

import (
	"fmt"
	"strings"
	"testing"
)

// outcome records how a test has ended first.
type outcome struct {
	testing.TB
	how, why string
}

func (o *outcome) Helper()                           {}
func (o *outcome) Skipf(format string, args ...any)  { o.end("skipped", format, args) }
func (o *outcome) Fatalf(format string, args ...any) { o.end("failed", format, args) }

func (o *outcome) end(how, format string, args []any) {
	if o.how == "" {
		o.how, o.why = how, fmt.Sprintf(format, args...)
	}
}

func TestMissing(t *testing.T) {
	for required, want := range map[string]string{
		"":                 "skipped",
		"root":             "skipped",
		"docker":           "failed",
		"root,docker,vm":   "failed",
		"docker-in-docker": "skipped",
	} {
		t.Setenv(Variable, required)
		var o outcome
		Missing(&o, "docker", "no engine answers")
		if o.how != want || !strings.Contains(o.why, "docker") || !strings.Contains(o.why, "no engine answers") {
			t.Errorf("with %s=%s: %s, %q, want %s with the reason", Variable, required, o.how, o.why, want)
		}
	}
}

func TestCommand(t *testing.T) {
	if got := Command(t, "go", "no-such-program", "go"); !strings.HasSuffix(got, "/go") {
		t.Errorf("got %q, want the path of go", got)
	}
	var o outcome
	if got := Command(&o, "go", "no-such-program"); got != "" || !strings.Contains(o.why, "no-such-program") {
		t.Errorf("got %q, %s with %q", got, o.how, o.why)
	}
}
