package vtp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
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

// Head is what the first element of a message says of it.
type Head struct {
	Kind Kind
	Role Role
	// IVOID identifies an event, nil in a transport message. It may share
	// memory with the message.
	IVOID []byte
}

// ParseHead checks that a message is a well-formed document with the root
// element of a transport message or of a VOEvent 2.0, whose role and, in an
// event, IVOID are valid, and returns these. Where the document is well-formed
// but no valid message, the head that comes with the error has what could be
// read of it.
func ParseHead(b []byte) (Head, error) {
	root, ok := scan(b)
	if !ok {
		// It is malformed, or just more than scan understands.
		var err error
		if root, err = decode(b); err != nil {
			return Head{}, fmt.Errorf("malformed document: %w", err)
		}
	}
	return root.head()
}

// root is the root element of a well-formed document. Its fields may share
// memory with the document.
type root struct {
	space, name          []byte
	role, version, ivoid []byte // nil where there is no such attribute
}

// head checks the root element of a message.
func (r root) head() (h Head, err error) {
	switch string(r.name) {
	case "Transport":
		h.Kind = KindTransport
	case "VOEvent":
		h.Kind = KindEvent
		h.IVOID = r.ivoid
		if string(r.space) != eventSpace {
			return h, fmt.Errorf("event: name space %q: want %q", r.space, eventSpace)
		}
		if string(r.version) != "2.0" {
			return h, fmt.Errorf("event: version %q: want 2.0", r.version)
		}
		if err := checkIVOID(r.ivoid); err != nil {
			return h, fmt.Errorf("event: %w", err)
		}
	default:
		return h, fmt.Errorf("root element %q: want Transport or VOEvent", r.name)
	}
	h.Role, err = parseRole(h.Kind, string(r.role))
	return h, err
}

// decode does the same as scan, for any document, by package encoding/xml.
func decode(b []byte) (root, error) {
	var r root
	depth, seen := 0, false
	// Package encoding/xml leaves a prefix that wasn't declared where the
	// name space should be. What was declared anywhere passes here.
	spaces := map[string]bool{"": true, "xmlns": true, "http://www.w3.org/XML/1998/namespace": true}
	d := decoder(b)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if !seen {
				return r, errors.New("no root element")
			}
			return r, nil
		}
		if err != nil {
			return r, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth == 0 && seen {
				return r, errors.New("more than one root element")
			}
			if err := checkAttributes(t, spaces); err != nil {
				return r, err
			}
			if depth == 0 {
				seen = true
				r = rootOf(t)
			}
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.Trim(t, " \t\r\n")) > 0 {
				return r, errors.New("text outside of the root element")
			}
		case xml.Directive:
			if seen {
				return r, errors.New("document type declaration behind the root element's start")
			}
		}
	}
}

// checkAttributes checks what package encoding/xml lets pass: attributes that
// occur twice and prefixes that weren't declared.
func checkAttributes(e xml.StartElement, spaces map[string]bool) error {
	for i, a := range e.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			spaces[a.Value] = true
		}
		for _, other := range e.Attr[:i] {
			if a.Name == other.Name {
				return fmt.Errorf("element %s: attribute %s occurs twice", e.Name.Local, a.Name.Local)
			}
		}
	}
	for _, a := range e.Attr {
		if !spaces[a.Name.Space] {
			return fmt.Errorf("element %s: name space prefix %q isn't declared", e.Name.Local, a.Name.Space)
		}
	}
	if !spaces[e.Name.Space] {
		return fmt.Errorf("element %s: name space prefix %q isn't declared", e.Name.Local, e.Name.Space)
	}
	return nil
}

// rootOf returns what we want to know of the root element.
func rootOf(e xml.StartElement) root {
	r := root{space: []byte(e.Name.Space), name: []byte(e.Name.Local)}
	for _, a := range e.Attr {
		if a.Name.Space != "" {
			continue
		}
		switch a.Name.Local {
		case "role":
			r.role = []byte(a.Value)
		case "version":
			r.version = []byte(a.Value)
		case "ivorn":
			r.ivoid = []byte(a.Value)
		}
	}
	return r
}

// decoder returns a decoder of a message.
func decoder(b []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = charsetReader
	return d
}

// unmarshal reads a message into v, a pointer to a struct with tags.
func unmarshal(b []byte, v any) error { return decoder(b).Decode(v) }

// charsetReader converts from the encodings besides UTF-8 that messages come
// in.
func charsetReader(charset string, r io.Reader) (io.Reader, error) {
	var limit byte
	switch strings.ToLower(charset) {
	case "us-ascii", "ascii":
		limit = 0x7f
	case "iso-8859-1", "latin-1", "latin1":
		limit = 0xff
	default:
		return nil, fmt.Errorf("encoding %q: want UTF-8, US-ASCII or ISO-8859-1", charset)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	text := make([]rune, len(b))
	for i, c := range b {
		if c > limit {
			return nil, fmt.Errorf("byte %#x isn't in encoding %s", c, charset)
		}
		text[i] = rune(c)
	}
	return strings.NewReader(string(text)), nil
}

// declaration begins every document that we write.
const declaration = "<?xml version='1.0' encoding='UTF-8'?>\n"

// appendDocument appends v as an XML document to dst. Writing the structs of
// this package to memory can't fail.
func appendDocument(dst []byte, v any) []byte {
	buf := bytes.NewBuffer(append(dst, declaration...))
	e := xml.NewEncoder(buf)
	e.Indent("", "  ")
	if err := e.Encode(v); err != nil {
		panic("vtp: " + err.Error())
	}
	return buf.Bytes()
}
