package embedded

import (
	"bufio"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"cometbench/vtp"
)

// subscriberIVOID is the name that the subscriber answers by.
const subscriberIVOID = "ivo://cometbench/subscriber"

// AgainFrom is the author in whose database the subscriber keeps, besides, the
// events of all authors that it has received again.
const AgainFrom = "ivo://cometbench/again"

// ConnectionsFile is the file beside the databases in which the subscriber notes
// when it connected, a line each time, as RFC 3339 has it.
const ConnectionsFile = "connections.log"

const (
	// reconnect is the time between two attempts to connect.
	reconnect = 50 * time.Millisecond
	// silence is how long a broker may be silent before the subscriber connects
	// anew: brokers send an iamalive every minute.
	silence = 3 * time.Minute
)

// SubscriberConfig is what a subscriber connects to and where it keeps events.
type SubscriberConfig struct {
	// Remote is the address, host:port, where a broker broadcasts.
	Remote string
	// EventDB is the folder of the event databases. It must be there and empty.
	EventDB string
}

// Subscribe receives events until ctx ends, answers each message, and keeps each
// new event in an event database. It connects anew when the connection is lost.
// Its error is that of the databases.
func Subscribe(ctx context.Context, c SubscriberConfig) (err error) {
	store, err := openStore(c.EventDB)
	if err != nil {
		return fmt.Errorf("subscriber: %w", err)
	}
	defer func() { err = errors.Join(err, store.close()) }()
	for {
		var dialer net.Dialer
		if conn, err := dialer.DialContext(ctx, "tcp", c.Remote); err == nil {
			if err := note(c.EventDB, time.Now()); err != nil {
				conn.Close()
				return fmt.Errorf("subscriber: %w", err)
			}
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			err := receive(conn, func(out, payload []byte) ([]byte, error) {
				reply, err := respond(payload, store)
				return appendReply(out, reply), err
			})
			stop()
			conn.Close()
			if err != nil {
				return fmt.Errorf("subscriber: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reconnect):
		}
	}
}

// note adds a time to the file of connections.
func note(dir string, at time.Time) error {
	f, err := os.OpenFile(filepath.Join(dir, ConnectionsFile), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(at.UTC().Format(time.RFC3339Nano) + "\n")
	return errors.Join(err, f.Close())
}

// receive handles one connection, to its end. Answer appends the answer to a
// message as a frame, if there is one; its error is the only one.
func receive(conn net.Conn, answer func(out, payload []byte) ([]byte, error)) error {
	r := bufio.NewReaderSize(conn, 64<<10)
	var payload, out []byte
	for {
		if r.Buffered() == 0 { // nothing more for now: send the answers
			if _, err := conn.Write(out); err != nil {
				return nil
			}
			out = out[:0]
			if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
				return nil
			}
		}
		var err error
		if payload, err = vtp.ReadFrame(r, payload); err != nil {
			return nil
		}
		if out, err = answer(out, payload); err != nil {
			return err
		}
	}
}

// appendReply appends an answer as a frame, unless it is none.
func appendReply(out []byte, reply vtp.Transport) []byte {
	if reply.Role == "" {
		return out
	}
	return vtp.AppendFrame(out, reply.Append(nil))
}

// respond takes a message of a broker, and returns the answer to it, one without
// a role to what asks for none. A broker drops who doesn't answer, so whatever
// can't be taken gets a nak. The error is that of the store.
func respond(payload []byte, store *store) (vtp.Transport, error) {
	return respondAt(payload, time.Now(), func(ivoid []byte, now time.Time) error {
		sum := sha1.Sum(payload)
		added, err := store.put(ivoid, sum, now)
		if err == nil && !added {
			_, err = store.put([]byte(AgainFrom), sum, now)
		}
		return err
	})
}

// respondAt does so at a time, and keeps events by the function keep.
func respondAt(
	payload []byte, now time.Time, keep func(ivoid []byte, now time.Time) error,
) (vtp.Transport, error) {
	head, err := vtp.ParseHead(payload)
	about := head.IVOID
	if head.Kind == vtp.KindTransport {
		about = head.Origin
	}
	switch {
	case err != nil:
		return refuse(about, subscriberIVOID, err.Error(), now), nil
	case head.Kind == vtp.KindEvent:
		err := keep(head.IVOID, now)
		if err != nil && isTemporary(err) {
			return refuse(about, subscriberIVOID, "the event can't be kept now", now), nil
		}
		return answer(vtp.Ack, about, subscriberIVOID, now), err
	case head.Role == vtp.IAmAlive, head.Role == vtp.Authenticate:
		// Comet asks for both, and wants to hear no more than who answers.
		return answer(head.Role, about, subscriberIVOID, now), nil
	}
	return vtp.Transport{}, nil
}
