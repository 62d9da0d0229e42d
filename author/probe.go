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

// probeFrom is the author of probe events: their database is another one than
// that of the events which are measured.
const probeFrom = "ivo://cometbench/probe"

// Between two attempts of a probe, and for one. A broker that has answered so
// many new, valid events with something else than an ack won't ack the next.
const (
	probeRefusals = 5
	probeRetry    = 20 * time.Millisecond
	probeTimeout  = 5 * time.Second
)

// Probe sends one event, trying until it is acked, keeps being refused, or ctx
// ends, and returns the SHA-1 of its bytes, which is its key in an event
// database.
func Probe(ctx context.Context, addr string) (key [sha1.Size]byte, err error) {
	for refusals := 0; ; {
		now := time.Now()
		payload := vtp.Event{
			IVOID: fmt.Sprintf("%s#%d", probeFrom, now.UnixNano()), AuthorIVOID: probeFrom, Role: vtp.Test, Date: now,
		}.Append(nil)
		outcome, err := sendOne(ctx, addr, vtp.AppendFrame(nil, payload))
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

func sendOne(ctx context.Context, addr string, frame []byte) (Outcome, error) {
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
	payload, err := vtp.ReadFrame(c, nil)
	if err != nil {
		return 0, err
	}
	return answer(payload), nil
}
