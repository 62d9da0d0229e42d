package embedded

import (
	"bufio"
	"net"
	"time"

	"cometbench/vtp"
)

// subscription is a subscriber that is attached.
type subscription struct {
	conn   net.Conn
	frames chan []byte
	gone   chan struct{} // closed when it is dropped
}

// publish hands a frame to every subscriber. One whose queue is full is waited
// for, up to a limit: a subscriber that merely lags loses nothing.
func (b *Broker) publish(frame []byte) {
	b.mu.Lock()
	subscribers := make([]*subscription, 0, len(b.subscribers))
	for s := range b.subscribers {
		subscribers = append(subscribers, s)
	}
	b.mu.Unlock()
	for _, s := range subscribers {
		select {
		case s.frames <- frame:
			continue
		case <-s.gone:
			continue
		default:
		}
		timer := time.NewTimer(b.config.Lag)
		select {
		case s.frames <- frame:
		case <-s.gone:
		case <-timer.C:
			s.conn.Close() // it doesn't drain: its reader drops it
		}
		timer.Stop()
	}
}

// subscriber attaches a subscriber until it goes.
func (b *Broker) subscriber(c net.Conn) {
	s := &subscription{conn: c, frames: make(chan []byte, b.config.Queue), gone: make(chan struct{})}
	b.mu.Lock()
	b.subscribers[s] = struct{}{}
	b.mu.Unlock()
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write(b.config.Alive)
		c.Close()
	}()
	s.read(2*b.config.Alive + b.config.Idle)
	b.mu.Lock()
	delete(b.subscribers, s)
	b.mu.Unlock()
	close(s.gone)
	c.Close()
	<-written
}

// read reads acks and signs of life, to the connection's end. Silence for as
// long as limit is an end.
func (s *subscription) read(limit time.Duration) {
	r := bufio.NewReaderSize(s.conn, 32<<10)
	var payload []byte
	for {
		if r.Buffered() == 0 {
			if err := s.conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
				return
			}
		}
		var err error
		if payload, err = vtp.ReadFrame(r, payload); err != nil {
			return
		}
	}
}

// batch is how many bytes are gathered for one write.
const batch = 64 << 10

// write sends what is queued, as much as there is at a time, and a sign of
// life now and then.
func (s *subscription) write(alive time.Duration) {
	ticker := time.NewTicker(alive)
	defer ticker.Stop()
	buf := make([]byte, 0, 2*batch)
	for {
		buf = buf[:0]
		select {
		case frame := <-s.frames:
			buf = append(buf, frame...)
		gather:
			for len(buf) < batch {
				select {
				case frame := <-s.frames:
					buf = append(buf, frame...)
				default:
					break gather
				}
			}
		case now := <-ticker.C:
			buf = vtp.AppendFrame(buf, vtp.Transport{Role: vtp.IAmAlive, Origin: Identity, TimeStamp: now}.Append(nil))
		case <-s.gone:
			return
		}
		if _, err := s.conn.Write(buf); err != nil {
			return
		}
	}
}
