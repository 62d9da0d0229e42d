package author

import (
	"sync/atomic"
	"time"
)

const (
	// connectSampling is how many events share a look at the clock.
	connectSampling = 16
	// slowConnect is ten times what a connect takes on a slow machine; searching
	// through all ports takes more.
	slowConnect = 500 * time.Microsecond
)

// connectTimes are the CPU times of connects in each tenth of the events.
type connectTimes [10]struct{ count, total atomic.Int64 }

// add adds a connect in one of the tenths.
func (c *connectTimes) add(tenth int, took time.Duration) {
	c[tenth].count.Add(1)
	c[tenth].total.Add(int64(took))
}

// worst returns the largest mean of a tenth, 0 if nothing was measured.
func (c *connectTimes) worst() time.Duration {
	var worst time.Duration
	for i := range c {
		if n := c[i].count.Load(); n > 0 {
			worst = max(worst, time.Duration(c[i].total.Load()/n))
		}
	}
	return worst
}
