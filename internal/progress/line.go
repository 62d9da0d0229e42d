// Package progress shows how far a long command has come, on the terminal
// device only: the standard output of a benchmark is data, and go test merges
// the standard error into it.
package progress

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Line is one line of text below the cursor of the terminal, which it leaves
// where it was: the line that a benchmark's result will complete stays whole.
// A nil Line, and one of a process without a terminal, shows nothing.
type Line struct {
	mu    sync.Mutex
	tty   io.WriteCloser
	shown time.Time
}

const (
	columns  = 79                     // a longer text would wrap, and not be erased
	interval = 200 * time.Millisecond // between two texts
)

// Open returns the line of this process's terminal.
func Open() *Line {
	device := "/dev/tty"
	if runtime.GOOS == "windows" {
		device = "CONOUT$"
	}
	tty, err := os.OpenFile(device, os.O_WRONLY, 0)
	if err != nil {
		return nil
	}
	return &Line{tty: tty}
}

// Set shows a text in place of the one before. Texts that come faster than a
// person reads are left out.
func (l *Line) Set(format string, args ...any) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tty == nil || time.Since(l.shown) < interval {
		return
	}
	l.shown = time.Now()
	text := strings.Map(printable, fmt.Sprintf(format, args...))
	if utf8.RuneCountInString(text) > columns {
		text = string([]rune(text)[:columns-1]) + "…"
	}
	l.draw(text)
}

// Clear takes the text away, so that what is printed next doesn't run into it.
func (l *Line) Clear() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tty != nil && !l.shown.IsZero() {
		l.draw("")
		l.shown = time.Time{}
	}
}

// Say writes a text that stays. The cursor must be at the start of a line.
func (l *Line) Say(format string, args ...any) {
	if l == nil {
		return
	}
	l.Clear()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tty != nil {
		io.WriteString(l.tty, strings.Map(printable, fmt.Sprintf(format, args...))+"\r\n")
	}
}

// Close clears the line and lets the terminal go.
func (l *Line) Close() error {
	if l == nil {
		return nil
	}
	l.Clear()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tty == nil {
		return nil
	}
	tty := l.tty
	l.tty = nil
	return tty.Close()
}

// draw writes the text on the line below the cursor (ECMA-48, DEC VT100):
// index and reverse index make that line where the cursor is on the last one,
// then the cursor is saved, moved, and restored.
func (l *Line) draw(text string) {
	io.WriteString(l.tty, "\x1bD\x1bM\x1b7\x1b[B\r\x1b[K"+text+"\x1b8")
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// Left writes how long something will still take, for a person: "45 s",
// "12 min", "3.5 h".
func Left(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
