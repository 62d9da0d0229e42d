package embedded

import (
	"context"
	"crypto/sha1"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"cometbench/vtp"
)

// AudienceConfig is what many subscribers connect to, and where they note deliveries.
type AudienceConfig struct {
	// Remote is the address, host:port, where a broker broadcasts.
	Remote string
	// Subscribers is how many there are.
	Subscribers int
	// File is where [Deliveries] are written whenever no event has arrived for a
	// while: a reader may find half of one.
	File string
}

// AudienceRest is for how long no event arrives before the file is written.
const AudienceRest = 200 * time.Millisecond

const (
	audienceTick = 50 * time.Millisecond
	// attachTime is how long the audience may take to connect.
	attachTime = time.Minute
)

// Audience is many light subscribers, which answer as the one of [Subscribe] does,
// and keep of each event only who has got it, and when the first and the last of
// them did. It connects all, calls ready, and goes on until ctx ends. A lost
// connection is made anew, and counted.
func Audience(ctx context.Context, c AudienceConfig, ready func() error) error {
	audience := &audience{members: c.Subscribers, arrivals: make(map[[sha1.Size]byte]*arrivals)}
	conns := make([]net.Conn, c.Subscribers)
	attaching, cancel := context.WithTimeoutCause(ctx, attachTime, fmt.Errorf("not done after %v", attachTime))
	defer cancel()
	for i := range conns { // one after another: a listen queue may be short
		conn, err := connect(attaching, c.Remote)
		if err != nil {
			for _, conn := range conns[:i] {
				conn.Close()
			}
			return fmt.Errorf("subscriber %d of %d: %w", i+1, len(conns), err)
		}
		conns[i] = conn
	}
	var all sync.WaitGroup
	defer all.Wait()
	for i, conn := range conns {
		all.Go(func() { audience.subscribe(ctx, c.Remote, i, conn) })
	}
	if err := ready(); err != nil {
		return err
	}
	return audience.note(ctx, c.File)
}

// connect connects, trying until the context ends.
func connect(ctx context.Context, remote string) (net.Conn, error) {
	for {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", remote)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-time.After(reconnect):
		}
	}
}

// audience is what they have got.
type audience struct {
	members int

	mu       sync.Mutex
	arrivals map[[sha1.Size]byte]*arrivals
	again    int // connections that were made anew
	version  int // counts changes of these
	changed  time.Time
}

// arrivals are those of one event.
type arrivals struct {
	author      string
	ack         []byte   // a frame
	members     []uint64 // a bit for each that has got it
	count       int
	first, last time.Time
}

// subscribe handles the connections of one member, until ctx ends.
func (c *audience) subscribe(ctx context.Context, remote string, number int, conn net.Conn) {
	for {
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		_ = receive(conn, func(out, payload []byte) ([]byte, error) { return c.answer(number, out, payload) })
		stop()
		conn.Close()
		select {
		case <-ctx.Done():
			return
		case <-time.After(reconnect):
		}
		var err error
		if conn, err = connect(ctx, remote); err != nil {
			return
		}
		c.mu.Lock()
		c.again++
		c.version++
		c.changed = time.Now()
		c.mu.Unlock()
	}
}

// answer takes a message to one member, and appends the answer to out. All get
// the same bytes, and what is known of an event needn't be read again.
func (c *audience) answer(number int, out, payload []byte) ([]byte, error) {
	now := time.Now()
	sum := sha1.Sum(payload)
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.arrivals[sum]
	if a == nil {
		isEvent := false
		reply, err := respondAt(payload, now, func(ivoid []byte, _ time.Time) error {
			isEvent = true
			a = &arrivals{
				author: vtp.IVOIDScheme + string(vtp.AuthorOf(ivoid)), members: make([]uint64, (c.members+63)/64),
			}
			return nil
		})
		if err != nil || !isEvent {
			return appendReply(out, reply), err
		}
		a.ack, a.first, a.last = appendReply(nil, reply), now, now
		c.arrivals[sum] = a
	}
	a.add(number, now)
	c.version++
	c.changed = now
	return append(out, a.ack...), nil
}

// add notes that a member has got the event, unless it had it before.
func (a *arrivals) add(number int, at time.Time) {
	word, bit := number/64, uint64(1)<<(number%64)
	if a.members[word]&bit != 0 {
		return
	}
	a.members[word] |= bit
	a.count++
	if at.Before(a.first) {
		a.first = at
	}
	if at.After(a.last) {
		a.last = at
	}
}

// note writes the file each time that nothing has happened for a while.
func (c *audience) note(ctx context.Context, file string) error {
	ticker := time.NewTicker(audienceTick)
	defer ticker.Stop()
	written := -1 // the version that was
	for {
		c.mu.Lock()
		var d *Deliveries
		if c.version != written && time.Since(c.changed) > AudienceRest {
			d, written = c.deliveries(), c.version
		}
		c.mu.Unlock()
		if d != nil {
			if err := os.WriteFile(file, d.append(nil), 0o600); err != nil {
				return fmt.Errorf("subscribers: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// deliveries returns what there is now.
func (c *audience) deliveries() *Deliveries {
	d := &Deliveries{
		Subscribers: c.members, Again: c.again, Events: make(map[[sha1.Size]byte]Delivery, len(c.arrivals)),
	}
	for sum, a := range c.arrivals {
		d.Events[sum] = Delivery{a.author, a.count, a.first, a.last}
	}
	return d
}
