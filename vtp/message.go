package vtp

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// Kind tells the two kinds of messages apart.
type Kind int

// The kinds of messages.
const (
	KindTransport Kind = 1 + iota
	KindEvent
)

// String returns the kind with its article.
func (k Kind) String() string {
	switch k {
	case KindTransport:
		return "a transport message"
	case KindEvent:
		return "an event"
	}
	return "an unknown document"
}

// Head is what a reader must know of a message in order to answer it. It may
// share memory with the message.
type Head struct {
	Kind Kind
	Role Role
	// IVOID identifies an event; it is nil in a transport message.
	IVOID []byte
	// Origin is what a transport message is about, as [Transport] has it; it is
	// nil in an event.
	Origin []byte
}

// ParseHead checks a message as the package comment says, and returns its head.
// Where the document is well-formed but no valid message, the head that comes
// with the error has what could be read of it.
func ParseHead(message []byte) (Head, error) {
	text, err := decode(message)
	if err != nil {
		return Head{}, fmt.Errorf("malformed document: %w", err)
	}
	root, err := scan(text)
	if err != nil {
		return Head{}, fmt.Errorf("malformed document: %w", err)
	}
	return root.head()
}

// head checks the root element of a message.
func (r root) head() (h Head, err error) {
	switch string(r.name) {
	case "Transport":
		h.Kind, h.Origin = KindTransport, bytes.TrimSpace(r.origin)
	case "VOEvent":
		h.Kind, h.IVOID = KindEvent, r.ivoid
		if string(r.space) != eventSpace {
			return h, fmt.Errorf("event: got name space %.100q, want %q", r.space, eventSpace)
		}
		if string(r.version) != "2.0" {
			return h, fmt.Errorf("event: got version %.100q, want 2.0", r.version)
		}
		if err := checkIVOID(r.ivoid); err != nil {
			return h, fmt.Errorf("event: %w", err)
		}
	default:
		return h, fmt.Errorf("got root element %.100q, want Transport or VOEvent", r.name)
	}
	if h.Role, err = parseRole(h.Kind, r.role); err != nil {
		return h, fmt.Errorf("%v: %w", h.Kind, err)
	}
	return h, nil
}

// appendDocument appends v as an XML document to dst. Writing the structs of
// this package to memory can't fail.
func appendDocument(dst []byte, v any) []byte {
	buf := bytes.NewBuffer(append(dst, "<?xml version='1.0' encoding='UTF-8'?>\n"...))
	e := xml.NewEncoder(buf)
	e.Indent("", "  ")
	if err := e.Encode(v); err != nil {
		panic("vtp: " + err.Error())
	}
	return buf.Bytes()
}
