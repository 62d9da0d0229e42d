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
	l := &Line{tty: &tty, width: func() int { return 40 }}
	l.Clear()
	if tty.Len() != 0 {
		t.Errorf("Clear of an empty line wrote %q", tty.String())
	}
	l.set("cell 1 of 6\n\x1b[2J"+strings.Repeat("é", 200), ", 5 min left")
	got := tty.String()
	if !strings.Contains(got, "cell 1 of 6  [2Jé") || !strings.Contains(got, "é…, 5 min left") {
		t.Errorf("control characters got through, or the text is lost: %q", got)
	}
	tty.Reset()
	if err := l.Close(); err != nil || !strings.Contains(tty.String(), "\x1b[K\x1b8") {
		t.Errorf("Close() = %v and wrote %q, want the line erased", err, tty.String())
	}
	l.set("after Close", "")
	if err := (*Line)(nil).Close(); err != nil {
		t.Errorf("a line without a terminal: Close() = %v", err)
	}
	(*Line)(nil).Show(nil)()
}

func TestShow(t *testing.T) {
	var tty buffer
	l := &Line{tty: &tty, width: func() int { return 40 }}
	shown := make(chan struct{})
	hide := l.Show(func() (string, string) { close(shown); return "run 1 of 6", "" })
	<-shown
	hide()
	if got := tty.String(); !strings.Contains(got, "run 1 of 6") || !strings.HasSuffix(got, "\x1b[K\x1b8") {
		t.Errorf("wrote %q, want the text, and the line erased", got)
	}
}

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		head, tail string
		columns    int
		want       string
	}{
		{"run 1 of 6", ", 5 s left", 79, "run 1 of 6, 5 s left"},
		{"run 1 of 6", ", 5 s left", 20, "run 1 of 6, 5 s left"},
		{"run 1 of 6", ", 5 s left", 19, "run 1 of…, 5 s left"},
		{"run 1 of 6", ", 5 s left", 5, "…, 5 "},
		{"run 1 of 6", "", -1, ""},
	} {
		if got := fit(tt.head, tt.tail, tt.columns); got != tt.want {
			t.Errorf("fit(%q, %q, %d) = %q, want %q", tt.head, tt.tail, tt.columns, got, tt.want)
		}
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

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 6000: "6,000", 123456: "123,456", 1234567: "1,234,567"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}
