// Package tail keeps the end of what a process writes, for errors.
package tail

import (
	"bytes"
	"strings"
	"sync"
)

// Tail keeps the last part of what is written to it.
type Tail struct {
	mu   sync.Mutex
	text []byte
	line []byte // the line that is being written
	// Each is shown every whole line, and reports whether it has taken it, so
	// that it isn't kept; nil takes none.
	Each func(line string) (taken bool)
}

const size = 2000 // bytes

func (t *Tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	for len(b) > 0 {
		part, rest, whole := bytes.Cut(b, []byte{'\n'})
		t.line = append(t.line, part...)
		if whole {
			if t.Each == nil || !t.Each(string(t.line)) {
				t.keep(append(t.line, '\n'))
			}
			t.line = t.line[:0]
		} else if len(t.line) > size {
			t.keep(t.line)
			t.line = t.line[:0]
		}
		b = rest
	}
	return n, nil
}

func (t *Tail) keep(b []byte) {
	t.text = append(t.text, b...)
	if n := len(t.text) - size; n > 0 {
		t.text = append(t.text[:0], t.text[n:]...)
	}
}

func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text) + string(t.line))
}
