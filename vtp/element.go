package vtp

import (
	"bytes"
	"unicode/utf8"
)

// start passes over the start of an element, or all of one that is empty.
func (s *scanner) start() bool {
	if !s.next("<") {
		return s.want("an element")
	}
	begun := s.pos
	prefix, local, ok := s.name()
	if !ok {
		return s.want("the name of an element")
	}
	e := element{name: s.b[begun:s.pos], bindings: len(s.bindings)}
	empty, ok := s.attributeList()
	if !ok || !s.declare() || !s.resolve() {
		return false
	}
	space, ok := s.lookUp(prefix)
	if !ok || string(prefix) == "xmlns" {
		return s.fail("element %.100q: its prefix isn't declared", e.name)
	}
	switch len(s.open) {
	case 0:
		s.describe(space, local)
	case 1:
		s.inOrigin = string(local) == "Origin" && s.root.origin == nil
		s.inWho = string(local) == "Who"
	case 2:
		if s.inWho && string(local) == "Date" && s.places.dateAt.from == 0 {
			s.inDate = true
			s.places.dateAt = span{s.pos, s.pos}
		}
	case maxDepth:
		return s.fail("more than %d elements within each other", maxDepth)
	}
	s.open = append(s.open, e)
	if empty {
		s.close()
	}
	return true
}

// describe keeps what is asked of the root element.
func (s *scanner) describe(space, local []byte) {
	s.root.space, s.root.name = space, local
	for _, a := range s.attributes {
		if a.prefix != nil {
			continue
		}
		switch string(a.local) {
		case "role":
			s.root.role = a.value
		case "version":
			s.root.version = a.value
		case "ivorn":
			s.root.ivoid, s.places.ivoidAt = a.value, a.at
		}
	}
}

// end passes over the end of the innermost open element behind its "</".
func (s *scanner) end() bool {
	at := s.pos - len("</")
	name := s.open[len(s.open)-1].name
	if !bytes.HasPrefix(s.b[s.pos:], name) {
		return s.wantEnd()
	}
	s.pos += len(name)
	s.space()
	if !s.next(">") {
		return s.wantEnd()
	}
	switch {
	case len(s.open) == 3 && s.inDate:
		s.places.dateAt.to = at
	case len(s.open) == 1:
		s.places.end = at
	}
	s.close()
	return true
}

// close takes the innermost element away, with what it declared.
func (s *scanner) close() {
	last := len(s.open) - 1
	if last == 2 {
		s.inDate = false
	}
	s.bindings = s.bindings[:s.open[last].bindings]
	s.open = s.open[:last]
	if last == 1 && s.inOrigin {
		s.inOrigin = false
		if s.root.origin == nil {
			s.root.origin = []byte{}
		}
	}
}

// attributeList passes over an element's attributes and the end of its start.
func (s *scanner) attributeList() (empty, ok bool) {
	s.attributes = s.attributes[:0]
	for {
		space := s.space()
		switch {
		case s.next(">"):
			return false, true
		case s.next("/>"):
			return true, true
		case !space:
			return false, s.want("a space, or the end of an element's start")
		case len(s.attributes) == maxAttributes:
			return false, s.fail("more than %d attributes", maxAttributes)
		case !s.attribute():
			return false, false
		}
	}
}

// attribute passes over an attribute.
func (s *scanner) attribute() (ok bool) {
	var a attribute
	if a.prefix, a.local, ok = s.name(); !ok {
		return s.want("the name of an attribute")
	}
	s.space()
	if !s.next("=") {
		return s.want("=")
	}
	s.space()
	begun := s.pos + len(`"`)
	if a.value, ok = s.value(); !ok {
		return false
	}
	a.at = span{begun, s.pos - len(`"`)}
	s.attributes = append(s.attributes, a)
	return true
}

// value passes over an attribute's value in quotes, and returns it with its
// references replaced, and a blank for each other white space.
func (s *scanner) value() ([]byte, bool) {
	if s.pos == len(s.b) || s.b[s.pos] != '"' && s.b[s.pos] != '\'' {
		return nil, s.want("a quote")
	}
	quote := s.b[s.pos]
	s.pos++
	start := s.pos
	var changed []byte // nil while it is as it stands in the document
	change := func(r rune, at int) {
		if changed == nil {
			changed = append(make([]byte, 0, at-start+utf8.UTFMax), s.b[start:at]...)
		}
		changed = utf8.AppendRune(changed, r)
	}
	for s.pos < len(s.b) {
		at := s.pos
		switch c := s.b[at]; {
		case c == quote:
			s.pos++
			if changed != nil {
				return changed, true
			}
			return s.b[start:at:at], true
		case c == '<':
			return nil, s.want("no < in an attribute")
		case c == '&':
			r, ok := s.reference()
			if !ok {
				return nil, false
			}
			change(r, at)
		case c < ' ' && isSpace(c):
			s.pos++
			if c == '\r' && s.pos < len(s.b) && s.b[s.pos] == '\n' {
				s.pos++ // one end of a line
			}
			change(' ', at)
		case !s.character():
			return nil, false
		case changed != nil:
			changed = append(changed, s.b[at:s.pos]...)
		}
	}
	return nil, s.want("the end of an attribute")
}

// declare binds the prefixes that an element's attributes declare.
func (s *scanner) declare() bool {
	for _, a := range s.attributes {
		b := binding{a.local, a.value}
		switch {
		case a.prefix == nil && string(a.local) == "xmlns":
			b.prefix = nil
		case string(a.prefix) != "xmlns":
			continue
		case len(a.value) == 0:
			return s.fail("prefix %.100q is declared without a name space", a.local)
		}
		isXML := string(b.prefix) == "xml"
		if isXML != (string(b.space) == xmlSpace) || string(b.prefix) == "xmlns" || string(b.space) == xmlnsSpace {
			return s.fail("prefix %.100q can't stand for name space %.100q", b.prefix, b.space)
		}
		if len(s.bindings) == maxBindings {
			return s.fail("more than %d name spaces", maxBindings)
		}
		s.bindings = append(s.bindings, b)
	}
	return true
}

// resolve looks up the name spaces of an element's attributes, of which no two
// may have one name.
func (s *scanner) resolve() (ok bool) {
	for i := range s.attributes {
		a := &s.attributes[i]
		if a.prefix != nil {
			if a.space, ok = s.lookUp(a.prefix); !ok {
				return s.fail("attribute %.100q:%.100q: its prefix isn't declared", a.prefix, a.local)
			}
		}
		for _, other := range s.attributes[:i] {
			if bytes.Equal(a.local, other.local) && bytes.Equal(a.space, other.space) {
				return s.fail("attribute %.100q occurs twice", a.local)
			}
		}
	}
	return true
}

// lookUp returns the name space that a prefix stands for; a name without one
// is in none unless one is declared.
func (s *scanner) lookUp(prefix []byte) (space []byte, ok bool) {
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if bytes.Equal(s.bindings[i].prefix, prefix) {
			return s.bindings[i].space, true
		}
	}
	switch string(prefix) {
	case "xml":
		return []byte(xmlSpace), true
	case "xmlns":
		return []byte(xmlnsSpace), true
	}
	return nil, prefix == nil
}
