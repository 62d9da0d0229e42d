package author

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"strings"
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

func tryOne(ctx context.Context, addr string, frame []byte) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	deadline, _ := ctx.Deadline()
	if err := c.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := c.Write(frame); err != nil {
		return err
	}
	for {
		answer, err := vtp.ReadFrame(c, nil)
		if err == io.EOF {
			return fmt.Errorf("the broker closes the connection without an answer")
		}
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
