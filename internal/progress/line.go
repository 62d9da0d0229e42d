// Package progress shows how far a long command has come, on the terminal
// device only: the standard output of a benchmark is data, and go test merges
// the standard error into it.
package progress

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Line is one line of text below the cursor of the terminal, which it leaves
// where it was: the line that a benchmark's result will complete stays whole.
// A nil Line, and one of a process without a terminal, shows nothing.
type Line struct {
	mu    sync.Mutex
	tty   io.WriteCloser
	width func() int // columns of the terminal
	shown bool       // there is a text to be cleared
}

const (
	interval = time.Second
	columns  = 80 // where the terminal doesn't tell
)

// Open returns the line of this process's terminal, nil if it has none that knows
// how to move its cursor.
func Open() *Line {
	if os.Getenv("TERM") == "dumb" {
		return nil
	}
	device := "/dev/tty"
	if runtime.GOOS == "windows" {
		device = "CONOUT$"
	}
	tty, err := os.OpenFile(device, os.O_WRONLY, 0)
	if err != nil {
		return nil
	}
	return &Line{tty: tty, width: func() int { return width(tty) }}
}

// Show keeps a text up to date until hide is called, which returns when the line
// has been cleared. What is asked for the text, every second, returns it in two
// parts: where the terminal is too narrow, the end of the first is left out.
func (l *Line) Show(text func() (head, tail string)) (hide func()) {
	if l == nil {
		return func() {}
	}
	done, hidden := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(hidden)
		defer l.Clear()
		for ticker := time.Tick(interval); ; {
			l.set(text())
			select {
			case <-ticker:
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-hidden }
}

// set shows a text in place of the one before.
func (l *Line) set(head, tail string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tty == nil {
		return
	}
	l.shown = true
	l.draw(fit(strings.Map(printable, head), strings.Map(printable, tail), l.width()-1))
}

// fit joins two parts of a text so that it has so many columns at most: a longer
// one would wrap, and not be erased.
func fit(head, tail string, columns int) string {
	h, t := []rune(head), []rune(tail)
	if n := columns - len(t); len(h) > n {
		h = append(h[:max(0, n-1)], '…')
	}
	both := append(h, t...)
	return string(both[:min(len(both), max(0, columns))])
}

// Clear takes the text away, so that what is printed next doesn't run into it.
func (l *Line) Clear() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tty != nil && l.shown {
		l.draw("")
		l.shown = false
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

// Count writes a number for a person: "6,000".
func Count(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
