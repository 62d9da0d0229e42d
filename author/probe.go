package author

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net"
	"time"

	"cometbench/vtp"
)

// ProbeFrom is the author of probe events: their database is another one than
// that of the events which are measured.
const ProbeFrom = "ivo://cometbench/probe"

const (
	// probeRefusals new, valid events that weren't acked are enough: the next
	// won't be either.
	probeRefusals = 5
	probeRetry    = 20 * time.Millisecond // between two attempts
	probeTimeout  = 5 * time.Second       // for an attempt
)

// Probe sends one event until it is acked, anew each time. It returns the SHA-1
// of the event's bytes, which is its key in an event database, and an error when
// ctx ends, or after five answers that weren't acks.
func Probe(ctx context.Context, addr string) (key [sha1.Size]byte, err error) {
	for refusals := 0; ; {
		now := time.Now()
		ivoid := fmt.Sprintf("%s#%d", ProbeFrom, now.UnixNano())
		payload := vtp.Event{IVOID: ivoid, AuthorIVOID: ProbeFrom, Role: vtp.Test, Date: now}.Append(nil)
		outcome, err := sendOne(ctx, addr, ivoid, vtp.AppendFrame(nil, payload))
		if err == nil && outcome == Acked {
			return sha1.Sum(payload), nil
		}
		if err == nil {
			err = errors.New("answered by " + outcome.String())
			if refusals++; refusals == probeRefusals {
				return key, fmt.Errorf("probe: %s: %d new, valid events in a row were %w", addr, refusals, err)
			}
		}
		select {
		case <-ctx.Done():
			return key, fmt.Errorf("probe: %s: %w: %w", addr, context.Cause(ctx), err)
		case <-time.After(probeRetry):
		}
	}
}

// sendOne sends the frame of an event, and returns how it is answered.
func sendOne(ctx context.Context, addr, ivoid string, frame []byte) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return 0, err
	}
	if _, err := c.Write(frame); err != nil {
		return 0, err
	}
	return readAnswer(c, func(got []byte) bool { return string(got) == ivoid })
}
