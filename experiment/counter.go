package experiment

import (
	"strconv"
	"sync"
	"time"
)

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
