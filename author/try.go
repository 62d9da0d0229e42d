package author

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"cometbench/vtp"
)

// Try sends each of the events that a payload's are made of once, as the author of
// probes: what a broker refuses is known before anything is measured. The error
// names the file, and has the broker's words.
func Try(ctx context.Context, addr string, files []File, size int) error {
	for _, f := range files {
		t, err := newTemplates([]File{f}, ProbeFrom, time.Now(), size)
		if err != nil {
			return err
		}
		if err := tryOne(ctx, addr, t[0].frame); err != nil {
			return fmt.Errorf("payload %s: %w", f.Name, err)
		}
	}
	return nil
}

// TryKeptOpen sends two probe events over one connection, and returns an error if
// the broker doesn't ack both.
func TryKeptOpen(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	c, err := dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for i, failed := range [...]string{"one event", "two events on one connection"} {
		t, err := newTemplates(nil, ProbeFrom, time.Now().Add(time.Duration(i)*time.Microsecond), 0)
		if err == nil {
			err = exchange(c, t[0].frame)
		}
		if i > 0 && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) {
			return errors.New("the broker closes the connection after its ack")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", failed, err)
		}
	}
	return nil
}

// dial connects. The connection has the deadline of ctx.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func tryOne(ctx context.Context, addr string, frame []byte) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	c, err := dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err = exchange(c, frame); errors.Is(err, io.EOF) {
		err = errors.New("the broker closes the connection without an answer")
	}
	return err
}

// exchange sends the frame of an event and reads the answer, which is an error if
// it isn't an ack. It is [io.EOF], wrapped, if the broker closes the connection.
func exchange(c net.Conn, frame []byte) error {
	if _, err := c.Write(frame); err != nil {
		return err
	}
	for {
		answer, err := vtp.ReadFrame(c, nil)
		if err != nil {
			return fmt.Errorf("the broker's answer: %w", err)
		}
		head, err := vtp.ParseHead(answer)
		switch {
		case err != nil:
			return fmt.Errorf("the broker's answer: %w", err)
		case head.Role == vtp.Ack:
			return nil
		case head.Role == vtp.Nak:
			return fmt.Errorf("the broker refuses it: %s", reason(answer))
		}
	}
}

// reason returns why an answer is a nak, in the broker's words.
func reason(nak []byte) string {
	var message struct {
		Result []string `xml:"Meta>Result"`
	}
	words := ""
	if xml.Unmarshal(nak, &message) == nil {
		words = strings.Join(strings.Fields(strings.Join(message.Result, "; ")), " ")
	}
	if words == "" {
		return "it doesn't say why"
	}
	return words
}
