package vtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestFrames(t *testing.T) {
	var wire []byte
	payloads := []string{"", "x", strings.Repeat("y", MaxPayload)}
	for _, p := range payloads {
		wire = AppendFrame(wire, []byte(p))
	}
	r := bytes.NewReader(wire)
	for _, p := range payloads {
		got, err := ReadFrame(r, nil)
		if err != nil || string(got) != p {
			t.Errorf("ReadFrame = %d bytes, %v, want %d", len(got), err, len(p))
		}
	}
	if _, err := ReadFrame(r, nil); err != io.EOF {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
	if _, err := ReadFrame(bytes.NewReader([]byte{0, 0, 0, 9, 'x'}), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a frame cut short: %v, want io.ErrUnexpectedEOF", err)
	}
	long := binary.BigEndian.AppendUint32(nil, MaxPayload+1)
	if _, err := ReadFrame(bytes.NewReader(long), nil); !errors.Is(err, ErrTooLong) {
		t.Errorf("a frame too long: %v, want ErrTooLong", err)
	}
}

func TestRoundTrips(t *testing.T) {
	date := time.Date(2014, 3, 21, 23, 10, 40, 123456000, time.UTC)
	e := Event{IVOID: "ivo://comet.broker/test#a-1", AuthorIVOID: "ivo://comet.broker/test", Role: Test, Date: date, Description: "a <b> & c"}
	text := e.Append(nil)
	if got, err := ParseEvent(text); err != nil || got != e {
		t.Errorf("ParseEvent(%s) = %+v, %v, want %+v", text, got, err, e)
	}
	if h, err := ParseHead(text); err != nil || h.Kind != KindEvent || string(h.IVOID) != e.IVOID {
		t.Errorf("ParseHead = %+v, %v", h, err)
	}
	for _, role := range []Role{IAmAlive, Authenticate, Ack, Nak} {
		want := Transport{Role: role, Origin: "ivo://a/b#1", Response: "ivo://c/d", TimeStamp: date.Truncate(time.Second), Result: "x < y"}
		text := want.Append(nil)
		got, err := ParseTransport(text)
		if err != nil || got != want {
			t.Errorf("ParseTransport(%s) = %+v, %v, want %+v", text, got, err, want)
		}
		if h, err := ParseHead(text); err != nil || h.Kind != KindTransport || h.Role != role {
			t.Errorf("ParseHead(%s) = %+v, %v", text, h, err)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 'x'})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, err := ReadFrame(bytes.NewReader(b), nil)
		if err != nil {
			return
		}
		if wire := AppendFrame(nil, payload); !bytes.HasPrefix(b, wire) {
			t.Errorf("ReadFrame(%q) = %q", b, payload)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(Event{IVOID: "ivo://comet.broker/test#1", AuthorIVOID: "ivo://comet.broker/test", Date: time.Unix(0, 0)}.Append(nil))
	f.Add(Transport{Role: Ack, Origin: "ivo://a/b#1", TimeStamp: time.Unix(0, 0)}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		// What the fast scanner takes, encoding/xml must take, with the same
		// meaning.
		h, err := ParseHead(b)
		if fast, ok := scan(b); ok {
			slow, slowErr := decode(b)
			if slowErr != nil {
				t.Fatalf("scan takes %q, encoding/xml doesn't: %v", b, slowErr)
			}
			a, aErr := fast.head()
			c, cErr := slow.head()
			if (aErr == nil) != (cErr == nil) || a.Kind != c.Kind || a.Role != c.Role || !bytes.Equal(a.IVOID, c.IVOID) {
				t.Fatalf("scan reads %q as %+v (%v), encoding/xml as %+v (%v)", b, a, aErr, c, cErr)
			}
		}
		if err != nil {
			return
		}
		switch h.Kind {
		case KindEvent:
			if e, err := ParseEvent(b); err == nil && e.IVOID != string(h.IVOID) {
				t.Errorf("IVOID %q and %q", e.IVOID, h.IVOID)
			}
		case KindTransport:
			if m, err := ParseTransport(b); err == nil && m.Role != h.Role {
				t.Errorf("role %q and %q", m.Role, h.Role)
			}
		}
	})
}

func BenchmarkParseHead(b *testing.B) {
	text := Event{IVOID: "ivo://comet.broker/test#1", AuthorIVOID: "ivo://comet.broker/test", Date: time.Unix(0, 0)}.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseHead(text); err != nil {
			b.Fatal(err)
		}
	}
}
