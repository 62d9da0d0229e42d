package embedded

import (
	"bufio"
	"net"
	"time"

	"cometbench/vtp"
)

// serveSubscriber attaches a subscriber until it goes.
func (b *Broker) serveSubscriber(c net.Conn) {
	s := b.broadcast.attach(c)
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write(&b.broadcast, b.limits)
		b.broadcast.drop(s)
	}()
	s.read(b.limits.silence)
	b.broadcast.drop(s)
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
		head, err := vtp.ParseHead(payload)
		if err == nil && (head.Role == vtp.Ack || head.Role == vtp.Nak) {
			s.acks.receive()
		}
	}
}

// batch is how many bytes are gathered for one write.
const batch = 64 << 10

// write sends what there is, as much as there is at a time, and a sign of life
// now and then. It returns when the subscriber has gone, or has left what it was
// sent unread or unacked for too long.
func (s *subscription) write(b *broadcast, limits limits) {
	alive := time.NewTicker(limits.alive)
	defer alive.Stop()
	check := time.NewTicker(limits.lag / 4)
	defer check.Stop()
	buf := make([]byte, 0, 2*batch)
	for {
		buf = buf[:0]
		select {
		case <-s.more:
			var n int
			if buf, n = b.take(s, buf, batch); n == 0 {
				continue
			}
			select {
			case s.more <- struct{}{}: // for what is left
			default:
			}
			s.acks.send(n, time.Now())
		case now := <-alive.C:
			m := vtp.Transport{Role: vtp.IAmAlive, Origin: brokerIVOID, TimeStamp: now}
			buf = vtp.AppendFrame(buf, m.Append(nil))
		case now := <-check.C:
			if oldest := s.acks.oldest(); !oldest.IsZero() && now.Sub(oldest) > limits.lag {
				return
			}
			continue
		case <-s.gone:
			return
		}
		if err := s.conn.SetWriteDeadline(time.Now().Add(limits.lag)); err != nil {
			return
		}
		if _, err := s.conn.Write(buf); err != nil {
			return
		}
	}
}
