package embedded

import (
	"bufio"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net"
	"time"

	"cometbench/vtp"
)

// SubscriberConfig says what a subscriber is attached to and keeps.
type SubscriberConfig struct {
	// Remote is the address, host:port, where a broker broadcasts.
	Remote string
	// EventDB is the folder of the event databases. It must exist.
	EventDB string
	// Retry is the time between two attempts to connect, 50 ms by default.
	Retry time.Duration
	// Silence is how long a broker may be silent before the subscriber
	// connects anew, 3 minutes by default: one says that it is alive every
	// minute.
	Silence time.Duration
}

// Subscribe receives events until ctx ends, acks each and keeps each that is
// new in an event database. It connects anew when the connection is lost. Its
// error is that of the database.
func Subscribe(ctx context.Context, c SubscriberConfig) (err error) {
	if c.Retry == 0 {
		c.Retry = 50 * time.Millisecond
	}
	if c.Silence == 0 {
		c.Silence = 3 * time.Minute
	}
	store, err := OpenStore(c.EventDB)
	if err != nil {
		return fmt.Errorf("subscriber: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", c.Remote)
		if err == nil {
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			err = receive(conn, store, c.Silence)
			stop()
			conn.Close()
			var broken *storeError
			if errors.As(err, &broken) {
				return fmt.Errorf("subscriber: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(c.Retry):
		}
	}
}

// receive handles one connection, to its end.
func receive(conn net.Conn, store *Store, silence time.Duration) error {
	r := bufio.NewReaderSize(conn, 64<<10)
	var payload, out []byte
	for {
		if r.Buffered() == 0 {
			if len(out) > 0 {
				if _, err := conn.Write(out); err != nil {
					return err
				}
				out = out[:0]
			}
			if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
				return err
			}
		}
		var err error
		if payload, err = vtp.ReadFrame(r, payload); err != nil {
			return err
		}
		head, err := vtp.ParseHead(payload)
		if err != nil {
			continue // nothing that could be answered
		}
		now := time.Now()
		answer := vtp.Transport{Response: Identity, TimeStamp: now}
		switch {
		case head.Kind == vtp.KindEvent:
			if _, err := store.Put(head.IVOID, sha1.Sum(payload), now); err != nil {
				return err
			}
			answer.Role, answer.Origin = vtp.Ack, string(head.IVOID)
		case head.Role == vtp.IAmAlive:
			answer.Role, answer.Origin = vtp.IAmAlive, Identity
		default:
			continue
		}
		out = vtp.AppendFrame(out, answer.Append(nil))
	}
}
