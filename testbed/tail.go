package testbed

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tail keeps the last part of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
	line []byte // the line that is being written
	// each is shown every line that is whole, and says whether it has no
	// further use for it; nil keeps them all.
	each func(line string) (taken bool)
}

const tailSize = 2000 // bytes

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	for len(b) > 0 {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		t.line = append(t.line, part...)
		if whole {
			if t.each == nil || !t.each(string(t.line)) {
				t.keep(append(t.line, '\n'))
			}
			t.line = t.line[:0]
		} else if len(t.line) > tailSize {
			t.keep(t.line)
			t.line = t.line[:0]
		}
		b = rest
	}
	return n, nil
}

func (t *tail) keep(b []byte) {
	t.text = append(t.text, b...)
	if n := len(t.text) - tailSize; n > 0 {
		t.text = append(t.text[:0], t.text[n:]...)
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text) + string(t.line))
}

// counter is how many events the author of a run has done so far, as it says
// once a second on its standard error.
type counter struct {
	mu    sync.Mutex
	begun time.Time // zero outside the measured phase
	done  int
}

func (c *counter) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun, c.done = time.Now(), 0
}

func (c *counter) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begun, c.done = time.Time{}, 0
}

func (c *counter) line(text string) (taken bool) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = n
	return true
}

func (c *counter) get() (int, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.begun.IsZero() {
		return 0, 0
	}
	return c.done, time.Since(c.begun)
}
