package embedded

import (
	"net"
	"sync"
)

// broadcast is what is sent to subscribers: the frames that one of them hasn't
// been sent yet. All share them, so that many who lag cost no more than one. A
// subscriber that lags by more bytes than the limit is dropped, so that it slows
// nobody.
type broadcast struct {
	limit int // bytes

	mu          sync.Mutex
	subscribers map[*subscription]struct{}
	frames      [][]byte
	first       uint64 // the number of the first of them, from the broker's start
	size        int    // bytes
}

// subscription is a subscriber that is attached.
type subscription struct {
	conn net.Conn
	next uint64        // the number of the frame that it is sent next
	more chan struct{} // has something when there are frames for it
	gone chan struct{} // closed when it is dropped

	acks acks
}

// attach adds a subscriber, which gets what is published from now on.
func (b *broadcast) attach(conn net.Conn) *subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &subscription{
		conn: conn, next: b.first + uint64(len(b.frames)),
		more: make(chan struct{}, 1), gone: make(chan struct{}),
	}
	b.subscribers[s] = struct{}{}
	return s
}

// drop takes a subscriber away, if it is still there, and ends its connection.
func (b *broadcast) drop(s *subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropLocked(s)
	b.trim()
}

func (b *broadcast) dropLocked(s *subscription) {
	if _, there := b.subscribers[s]; there {
		delete(b.subscribers, s)
		close(s.gone)
		s.conn.Close()
	}
}

// publish adds a frame for every subscriber. It waits for none.
func (b *broadcast) publish(frame []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.subscribers) == 0 {
		return
	}
	b.frames = append(b.frames, frame)
	for b.size += len(frame); b.size > b.limit; {
		b.shift()
	}
	for s := range b.subscribers {
		if s.next < b.first {
			b.dropLocked(s)
			continue
		}
		select {
		case s.more <- struct{}{}:
		default: // it knows already
		}
	}
	b.trim()
}

// take appends the frames that a subscriber is sent next to dst, at least one if
// there is one, and no more when dst has batch bytes. It returns their number
// too.
func (b *broadcast) take(s *subscription, dst []byte, batch int) ([]byte, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.next < b.first {
		return dst, 0 // it was dropped
	}
	n := 0
	for _, frame := range b.frames[s.next-b.first:] {
		if len(dst) >= batch {
			break
		}
		dst = append(dst, frame...)
		n++
	}
	wasFirst := s.next == b.first
	s.next += uint64(n)
	if wasFirst {
		b.trim()
	}
	return dst, n
}

// trim forgets the frames that every subscriber has been sent.
func (b *broadcast) trim() {
	least := b.first + uint64(len(b.frames))
	for s := range b.subscribers {
		least = min(least, s.next)
	}
	for b.first < least {
		b.shift()
	}
}

// shift forgets the first frame.
func (b *broadcast) shift() {
	b.size -= len(b.frames[0])
	b.frames[0] = nil
	b.frames = b.frames[1:]
	b.first++
}
