package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

type buffer struct{ bytes.Buffer }

func (*buffer) Close() error { return nil }

func TestLine(t *testing.T) {
	var tty buffer
	l := &Line{tty: &tty}
	l.Clear()
	if tty.Len() != 0 {
		t.Errorf("Clear of an empty line wrote %q", tty.String())
	}
	l.Set("cell %d of %d\n\x1b[2J%s", 1, 6, strings.Repeat("é", 200))
	got := tty.String()
	if !strings.Contains(got, "cell 1 of 6  [2Jé") {
		t.Errorf("control characters got through, or the text is lost: %q", got)
	}
	if n := strings.Count(got, "é"); n > columns {
		t.Errorf("%d columns of text will wrap", n)
	}
	tty.Reset()
	l.Set("too soon")
	if tty.Len() != 0 {
		t.Errorf("a second text at once was shown: %q", tty.String())
	}
	if err := l.Close(); err != nil || !strings.Contains(tty.String(), "\x1b[K\x1b8") {
		t.Errorf("Close() = %v and wrote %q, want the line erased", err, tty.String())
	}
	l.Set("after Close")
	if err := (*Line)(nil).Close(); err != nil {
		t.Errorf("a line without a terminal: Close() = %v", err)
	}
}

func TestLeft(t *testing.T) {
	for d, want := range map[time.Duration]string{
		12 * time.Second: "12 s", 5 * time.Minute: "5 min", 16 * time.Hour: "16.0 h",
	} {
		if got := Left(d); got != want {
			t.Errorf("Left(%v) = %q, want %q", d, got, want)
		}
	}
}
