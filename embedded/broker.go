// Package embedded is a small VTP broker and its subscriber: what a benchmark of
// brokers runs where there is no Docker, and the ceiling of the instrument,
// since it does nothing but what the protocol asks for.
//
// A broker acks a valid new event and naks one that it has seen or that is
// malformed, keeps each new event in an event database, and sends it to every
// subscriber. Databases are named as Comet names them.
package embedded

import (
	"bufio"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"cometbench/vtp"
)

// Identity is the IVOID that the broker answers as.
const Identity = "ivo://cometbench/broker"

// Config says where a broker listens and what it keeps. Zero times stand for
// the defaults.
type Config struct {
	// Receive and Broadcast are the addresses, host:port, where authors and
	// subscribers connect; port 0 is any that is free.
	Receive, Broadcast string
	// EventDB is the folder of the event databases. It must exist.
	EventDB string
	// Alive is the time between two iamalive messages to a subscriber, a
	// minute by default. One that doesn't answer two in a row is dropped.
	Alive time.Duration
	// Idle is how long a connection may be silent, a minute by default.
	Idle time.Duration
	// Lag is how long a subscriber with a full queue is waited for before it
	// is dropped, 10 s by default.
	Lag time.Duration
	// Queue is how many events may wait for a subscriber, 65,536 by default.
	Queue int
}

// Broker is a broker that listens.
type Broker struct {
	config    Config
	store     *Store
	receive   net.Listener
	broadcast net.Listener

	mu          sync.Mutex
	conns       map[net.Conn]struct{}
	subscribers map[*subscription]struct{}
	closed      bool
	serving     sync.WaitGroup
}

// Listen makes a broker that listens on both ports. Nothing is accepted before
// [Broker.Serve].
func Listen(c Config) (*Broker, error) {
	if c.Alive == 0 {
		c.Alive = time.Minute
	}
	if c.Idle == 0 {
		c.Idle = time.Minute
	}
	if c.Lag == 0 {
		c.Lag = 10 * time.Second
	}
	if c.Queue == 0 {
		c.Queue = 1 << 16
	}
	store, err := OpenStore(c.EventDB)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	b := &Broker{
		config: c, store: store,
		conns:       make(map[net.Conn]struct{}),
		subscribers: make(map[*subscription]struct{}),
	}
	if b.receive, err = net.Listen("tcp", c.Receive); err != nil {
		return nil, errors.Join(fmt.Errorf("broker: receive events: %w", err), b.Close())
	}
	if b.broadcast, err = net.Listen("tcp", c.Broadcast); err != nil {
		return nil, errors.Join(fmt.Errorf("broker: broadcast events: %w", err), b.Close())
	}
	return b, nil
}

// ReceiveAddr is where authors connect.
func (b *Broker) ReceiveAddr() net.Addr { return b.receive.Addr() }

// BroadcastAddr is where subscribers connect.
func (b *Broker) BroadcastAddr() net.Addr { return b.broadcast.Addr() }

// Serve accepts authors and subscribers until ctx ends, and then closes the
// broker. It returns nil then, and an error where the broker can't go on.
func (b *Broker) Serve(ctx context.Context) error {
	errs := make(chan error, 2)
	go func() { errs <- b.accept(b.receive, b.author) }()
	go func() { errs <- b.accept(b.broadcast, b.subscriber) }()
	var err error
	waiting := 2
	select {
	case <-ctx.Done():
	case err = <-errs:
		waiting--
	}
	closed := b.Close()
	for range waiting {
		<-errs
	}
	b.serving.Wait()
	if err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	return closed
}

// Close stops listening, cuts every connection and closes the databases.
func (b *Broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	var errs []error
	for _, l := range []net.Listener{b.receive, b.broadcast} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	for c := range b.conns {
		c.Close()
	}
	return errors.Join(append(errs, b.store.Close())...)
}

// accept serves each connection in a goroutine of its own.
func (b *Broker) accept(l net.Listener, serve func(net.Conn)) error {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			var passing net.Error
			if errors.As(err, &passing) && passing.Timeout() || isTemporary(err) {
				time.Sleep(5 * time.Millisecond) // out of file descriptors, for now
				continue
			}
			return err
		}
		if !b.track(c) {
			return nil
		}
		go func() {
			defer b.serving.Done()
			defer b.untrack(c)
			serve(c)
		}()
	}
}

func (b *Broker) track(c net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		c.Close()
		return false
	}
	b.conns[c] = struct{}{}
	b.serving.Add(1)
	return true
}

func (b *Broker) untrack(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
	c.Close()
}

// readers are kept for the next connection.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4096) }}

// author receives an event, answers it, and closes the connection, as Comet
// does: whoever closes first keeps the port for a minute, and the author, which
// needs a port for each event, would run out of them.
func (b *Broker) author(c net.Conn) {
	r := readers.Get().(*bufio.Reader)
	r.Reset(c)
	defer readers.Put(r)
	if err := c.SetDeadline(time.Now().Add(b.config.Idle)); err != nil {
		return
	}
	payload, err := vtp.ReadFrame(r, nil)
	if err != nil {
		return
	}
	answer := b.submit(payload)
	_, _ = c.Write(vtp.AppendFrame(nil, answer.Append(nil))) // an author that has gone needs no answer
}

// submit takes an event and returns the answer to it.
func (b *Broker) submit(payload []byte) vtp.Transport {
	now := time.Now()
	answer := vtp.Transport{Role: vtp.Nak, Response: Identity, TimeStamp: now}
	head, err := vtp.ParseHead(payload)
	answer.Origin = string(head.IVOID)
	if err == nil && head.Kind != vtp.KindEvent {
		err = fmt.Errorf("got %v, want an event", head.Kind)
	}
	if err != nil {
		answer.Result = err.Error()
		return answer
	}
	added, err := b.store.Put(head.IVOID, sha1.Sum(payload), now)
	switch {
	case err != nil:
		answer.Result = err.Error()
	case !added:
		answer.Result = "the event was received before"
	default:
		answer.Role = vtp.Ack
		b.publish(vtp.AppendFrame(make([]byte, 0, vtp.HeaderSize+len(payload)), payload))
	}
	return answer
}
