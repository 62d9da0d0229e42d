package embedded

import (
	"sync"
	"time"
)

// acks counts the events that a subscriber was sent and has acked, so that it is
// known for how long one is unacked. An ack counts for the oldest event, whichever
// it names: who acks the wrong ones harms nobody else.
type acks struct {
	mu      sync.Mutex
	batches []sentBatch // those that aren't acked in full, the oldest first
	sent    uint64
	acked   uint64
}

// sentBatch is the events that were sent at a time.
type sentBatch struct {
	upTo uint64 // the number of events sent with it and before
	at   time.Time
}

// send counts n events that are sent at a time.
func (a *acks) send(n int, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent += uint64(n)
	a.batches = append(a.batches, sentBatch{a.sent, at})
}

// receive counts an ack.
func (a *acks) receive() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acked = min(a.acked+1, a.sent)
	for len(a.batches) > 0 && a.batches[0].upTo <= a.acked {
		a.batches = a.batches[1:]
	}
}

// oldest returns when the oldest event that isn't acked was sent, the zero time
// if all are.
func (a *acks) oldest() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.batches) == 0 {
		return time.Time{}
	}
	return a.batches[0].at
}
