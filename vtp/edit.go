package vtp

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Edit is a change of a VOEvent in place: all other bytes stay as they are, in
// whatever encoding they are. The text must be ASCII, and must not need references.
type Edit struct {
	// IVOID takes the place of the event's.
	IVOID string
	// Date takes the place of the date in its Who, if it has one.
	Date string
	// Size is how many bytes the event is to have in the end, which a comment
	// at the end of the root element brings it to; 0 adds nothing.
	Size int
}

// Edited is an event that was changed, and where in it the changes are.
type Edited struct {
	Event []byte
	// IVOID and Date are the offsets of their first characters. Date is 0 where
	// the event has none.
	IVOID, Date int
	// Stride is how many bytes a character of them takes. In UTF-16, whose
	// high bytes may be first or second, IVOID and Date are the offsets of low ones.
	Stride int
}

// Apply changes an event, of any version of VOEvent. It is an error if the
// document isn't well-formed, isn't an event with an IVOID, or is larger than
// Size.
func (e Edit) Apply(event []byte) (*Edited, error) {
	text, err := decode(event)
	if err != nil {
		return nil, fmt.Errorf("malformed document: %w", err)
	}
	s := scanner{b: text}
	if s.document(); s.err != nil {
		return nil, fmt.Errorf("malformed document: %w", s.err)
	}
	root, places := s.root, s.places
	if string(root.name) != "VOEvent" {
		return nil, fmt.Errorf("got root element %.100q, want VOEvent", root.name)
	}
	if places.ivoidAt.to <= places.ivoidAt.from {
		return nil, errors.New("got no IVOID, want an attribute ivorn")
	}
	c := newCoder(event, text)
	result := &Edited{Stride: c.stride}
	type change struct {
		span
		with string
		into *int // where its place is noted
	}
	changes := []change{{places.ivoidAt, e.IVOID, &result.IVOID}}
	if places.dateAt.to > places.dateAt.from {
		changes = append(changes, change{places.dateAt, e.Date, &result.Date})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.from, b.from) })
	done := 0 // bytes of the event that are dealt with
	for _, ch := range changes {
		result.Event = append(result.Event, event[done:c.offset(ch.from)]...)
		*ch.into = len(result.Event) + c.low
		result.Event = c.append(result.Event, ch.with)
		done = c.offset(ch.to)
	}
	if e.Size > 0 {
		end := c.offset(places.end)
		if places.end == 0 {
			return nil, errors.New("its root element is empty: nothing can be added")
		}
		result.Event = append(result.Event, event[done:end]...)
		done = end
		padding, err := c.padding(e.Size - len(result.Event) - len(event[done:]))
		if err != nil {
			return nil, err
		}
		result.Event = c.append(result.Event, padding)
	}
	result.Event = append(result.Event, event[done:]...)
	return result, nil
}

// coder knows the encoding of a document.
type coder struct {
	event, text []byte // the document, and its text behind the declaration in UTF-8
	order       binary.ByteOrder
	latin       bool
	stride, low int // of a character in ASCII: its bytes, and which one is the low
}

func newCoder(event, text []byte) *coder {
	c := &coder{event: event, text: text, order: byteOrder(event), stride: 1}
	switch {
	case c.order == binary.BigEndian:
		c.stride, c.low = 2, 1
	case c.order == binary.LittleEndian:
		c.stride = 2
	default:
		// In UTF-8 the text is the end of the document.
		c.latin = !bytes.HasSuffix(event, text)
	}
	return c
}

// offset returns where a place of the text is in the document.
func (c *coder) offset(at int) int {
	rest := c.text[at:]
	switch {
	case c.order != nil:
		units := 0
		for _, r := range string(rest) {
			units++
			if r > 0xffff {
				units++
			}
		}
		return len(c.event) - 2*units
	case c.latin:
		return len(c.event) - utf8.RuneCount(rest)
	}
	return len(c.event) - len(rest)
}

// append appends ASCII in the encoding.
func (c *coder) append(dst []byte, text string) []byte {
	for i := range len(text) {
		at := len(dst)
		dst = append(dst, make([]byte, c.stride)...)
		dst[at+c.low] = text[i]
	}
	return dst
}

// padding returns a comment, or white space where there is no room for one, that
// takes so many bytes.
func (c *coder) padding(size int) (string, error) {
	const begin, end = "<!--", "-->"
	switch n := size / c.stride; {
	case size < 0:
		return "", fmt.Errorf("it has %d bytes more than it is to have", -size)
	case size%c.stride != 0:
		return "", errors.New("it can't have an odd number of bytes in UTF-16")
	case n < len(begin)+len(end):
		return strings.Repeat("\n", n), nil
	default:
		line := strings.Repeat("padding ", 15)
		return begin + strings.Repeat(line, n/len(line)+1)[:n-len(begin)-len(end)] + end, nil
	}
}
