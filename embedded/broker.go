// Package embedded is a small VTP broker and its subscriber: what a benchmark of
// brokers runs where there is no Docker, and the ceiling of the instrument,
// since it does nothing but what the protocol asks for.
//
// A broker acks a valid new event and naks one that it has seen or that is no
// valid event, closes the connection after its answer as Comet does, keeps each
// new event in an event database, and sends it to every subscriber. Databases
// are named as Comet names them.
//
// A subscriber is dropped if it lags by more than 64 MiB of events, if it leaves
// what it was sent unread or an event unacked for a minute, or if it is silent
// for three minutes, in which it was asked twice whether it is alive. It is
// judged by the age of the oldest unacked event, not by their number: Comet
// drops a subscriber with ten unacked events at the instant when it asks for a
// sign of life, however fast that acks, and thereby loses events.
//
// Only an error of the disk ends a broker or a subscriber; its process reports
// it.
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

// brokerIVOID is the name that the broker answers by.
const brokerIVOID = "ivo://cometbench/broker"

// Config is where a broker listens and keeps events.
type Config struct {
	// Receive and Broadcast are the addresses, host:port, where authors and
	// subscribers connect; port 0 is any that is free.
	Receive, Broadcast string
	// EventDB is the folder of the event databases. It must be there and empty.
	EventDB string
	// KeepOpen leaves it to authors to close their connections, which may bring
	// more events. Without it the broker closes each after its answer.
	KeepOpen bool
}

// limits are how long a broker waits, and how much it keeps, for others.
type limits struct {
	idle    time.Duration // for an author's event
	alive   time.Duration // between two iamalive messages to a subscriber
	silence time.Duration // for a message of a subscriber
	lag     time.Duration // for a subscriber to read a batch, and to ack it
	backlog int           // bytes of events that a subscriber hasn't been sent
}

// usual returns the limits that the package comment names.
func usual() limits {
	return limits{idle: time.Minute, alive: time.Minute, silence: 3 * time.Minute, lag: time.Minute, backlog: 64 << 20}
}

// Broker is a broker that listens.
type Broker struct {
	limits      limits
	keepOpen    bool
	store       *store
	authors     net.Listener
	subscribers net.Listener
	broadcast   broadcast
	broken      chan error // has the first error of the disk

	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	closed  bool
	serving sync.WaitGroup
}

// Listen makes a broker that listens on both ports. Nothing is accepted before
// [Broker.Serve].
func Listen(c Config) (*Broker, error) { return listen(c, usual()) }

func listen(c Config, l limits) (*Broker, error) {
	store, err := openStore(c.EventDB)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	b := &Broker{
		limits: l, keepOpen: c.KeepOpen, store: store,
		broadcast: broadcast{limit: l.backlog, subscribers: make(map[*subscription]struct{})},
		broken:    make(chan error, 1),
		conns:     make(map[net.Conn]struct{}),
	}
	if b.authors, err = net.Listen("tcp", c.Receive); err != nil {
		return nil, errors.Join(fmt.Errorf("broker: receive events: %w", err), b.Close())
	}
	if b.subscribers, err = net.Listen("tcp", c.Broadcast); err != nil {
		return nil, errors.Join(fmt.Errorf("broker: broadcast events: %w", err), b.Close())
	}
	return b, nil
}

// ReceiveAddr is where authors connect.
func (b *Broker) ReceiveAddr() net.Addr { return b.authors.Addr() }

// BroadcastAddr is where subscribers connect.
func (b *Broker) BroadcastAddr() net.Addr { return b.subscribers.Addr() }

// Serve accepts authors and subscribers until ctx ends, and then closes the
// broker. It returns nil then, and an error if the disk or a port fails before.
func (b *Broker) Serve(ctx context.Context) error {
	errs := make(chan error, 2)
	go func() { errs <- b.accept(b.authors, b.serveAuthor) }()
	go func() { errs <- b.accept(b.subscribers, b.serveSubscriber) }()
	var err error
	waiting := 2
	select {
	case <-ctx.Done():
	case err = <-b.broken:
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
	for _, l := range []net.Listener{b.authors, b.subscribers} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	for c := range b.conns {
		c.Close()
	}
	return errors.Join(append(errs, b.store.close())...)
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

// readers are kept for the next connection. Most events fit in one; the rest of
// a longer one is read past it.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 1024) }}

// serveAuthor receives an event, answers it, and closes the connection, as Comet
// does: whoever closes first keeps the port for a minute, and the author, which
// needs a port for each event, would run out of them. Only where connections are
// to be kept open does it go on with the next event.
func (b *Broker) serveAuthor(c net.Conn) {
	r := readers.Get().(*bufio.Reader)
	r.Reset(c)
	defer readers.Put(r)
	for {
		if err := c.SetDeadline(time.Now().Add(b.limits.idle)); err != nil {
			return
		}
		payload, err := vtp.ReadFrame(r, nil)
		if err != nil {
			return
		}
		reply := b.submit(payload)
		// An author that has gone needs no answer.
		if _, err := c.Write(vtp.AppendFrame(nil, reply.Append(nil))); err != nil || !b.keepOpen {
			return
		}
	}
}

// submit takes an event and returns the answer to it.
func (b *Broker) submit(payload []byte) vtp.Transport {
	now := time.Now()
	head, err := vtp.ParseHead(payload)
	if err == nil && head.Kind != vtp.KindEvent {
		err = fmt.Errorf("got %v, want an event", head.Kind)
	}
	if err != nil {
		return refuse(head.IVOID, brokerIVOID, err.Error(), now)
	}
	added, err := b.store.put(head.IVOID, sha1.Sum(payload), now)
	if err != nil {
		if !isTemporary(err) {
			select {
			case b.broken <- err:
			default: // there is one already
			}
		}
		return refuse(head.IVOID, brokerIVOID, "the event can't be kept", now)
	}
	if !added {
		return refuse(head.IVOID, brokerIVOID, "the event was received before", now)
	}
	b.broadcast.publish(vtp.AppendFrame(make([]byte, 0, vtp.HeaderSize+len(payload)), payload))
	return answer(vtp.Ack, head.IVOID, brokerIVOID, now)
}
