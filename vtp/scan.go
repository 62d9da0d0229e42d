package vtp

import "bytes"

// scan reads a document of the plain sort that brokers and authors send: ASCII,
// elements, attributes and text, without comments, document types and other
// rarities. Where ok, the document is well-formed, and its root element is what
// package encoding/xml makes of it (a fuzz test holds the two together). Where
// not, nothing is known: it may be malformed or just not plain.
//
// It exists for speed: every event and every answer passes here, inside what
// is measured, and encoding/xml takes tens of microseconds for one.
func scan(b []byte) (r root, ok bool) {
	s := scanner{b: b}
	s.declaration()
	s.space()
	if !s.element(&r) {
		return root{}, false
	}
	for s.depth > 0 {
		if !s.text() {
			return root{}, false
		}
		if s.next("</") {
			if !s.end() {
				return root{}, false
			}
		} else if !s.element(nil) {
			return root{}, false
		}
	}
	s.space()
	return r, s.pos == len(b)
}

// Beyond these, a document isn't plain.
const (
	maxDepth      = 16
	maxAttributes = 16
	maxPrefixes   = 4
)

// scanner is the place in a document.
type scanner struct {
	b   []byte
	pos int
	// open are the names of the open elements.
	open  [maxDepth][]byte
	depth int
	// prefixes are what the root element declares.
	prefixes [maxPrefixes]struct{ name, space []byte }
	declared int
	standard []byte // the name space without a prefix
}

// attribute is an attribute with its whole name.
type attribute struct{ name, value []byte }

// next passes over literal if it is next.
func (s *scanner) next(literal string) bool {
	if len(s.b)-s.pos < len(literal) || string(s.b[s.pos:s.pos+len(literal)]) != literal {
		return false
	}
	s.pos += len(literal)
	return true
}

// space passes over white space and reports whether there was any.
func (s *scanner) space() bool {
	start := s.pos
	for s.pos < len(s.b) {
		switch s.b[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
			continue
		}
		break
	}
	return s.pos > start
}

// declaration passes over an XML declaration as it is usually written.
func (s *scanner) declaration() {
	for _, d := range [...]string{
		"<?xml version='1.0' encoding='UTF-8'?>",
		`<?xml version="1.0" encoding="UTF-8"?>`,
		`<?xml version="1.0" encoding="utf-8"?>`,
		`<?xml version="1.0"?>`,
	} {
		if s.next(d) {
			return
		}
	}
}

// name passes over a name, with a prefix or without, and returns it, or nil.
func (s *scanner) name() []byte {
	start, colon := s.pos, -1
	for ; s.pos < len(s.b); s.pos++ {
		c := s.b[s.pos]
		first := s.pos == start || s.pos == colon+1
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case !first && ('0' <= c && c <= '9' || c == '-' || c == '.'):
		case !first && c == ':' && colon < 0:
			colon = s.pos
		default:
			if first {
				return nil
			}
			return s.b[start:s.pos]
		}
	}
	return nil // no name stands at a document's end
}

// element passes over the start of an element, or all of it where it is empty.
// The document's root element is told in r.
func (s *scanner) element(r *root) bool {
	if !s.next("<") || s.depth == maxDepth {
		return false
	}
	name := s.name()
	if name == nil {
		return false
	}
	var attributes [maxAttributes]attribute
	n, empty := 0, false
	for {
		space := s.space()
		if s.next(">") {
			break
		}
		if s.next("/>") {
			empty = true
			break
		}
		if !space || n == maxAttributes {
			return false
		}
		a, ok := s.attribute()
		if !ok {
			return false
		}
		for _, other := range attributes[:n] {
			if bytes.Equal(a.name, other.name) {
				return false
			}
		}
		attributes[n] = a
		n++
	}
	if !s.resolve(r, name, attributes[:n]) {
		return false
	}
	if !empty {
		s.open[s.depth] = name
		s.depth++
	}
	return true
}

// attribute passes over an attribute.
func (s *scanner) attribute() (a attribute, ok bool) {
	if a.name = s.name(); a.name == nil || !s.next("=") || s.pos == len(s.b) {
		return a, false
	}
	quote := s.b[s.pos]
	if quote != '"' && quote != '\'' {
		return a, false
	}
	s.pos++
	start := s.pos
	for ; s.pos < len(s.b); s.pos++ {
		switch c := s.b[s.pos]; {
		case c == quote:
			a.value = s.b[start:s.pos:s.pos]
			s.pos++
			return a, true
		case c < ' ' || c >= 0x7f || c == '&' || c == '<':
			return a, false
		}
	}
	return a, false
}

// resolve checks the prefixes of an element and its attributes, and fills r,
// where the element is the root, which alone may declare prefixes.
func (s *scanner) resolve(r *root, name []byte, attributes []attribute) bool {
	for _, a := range attributes {
		prefix, local := splitName(a.name)
		declares := string(prefix) == "xmlns"
		if !declares && string(a.name) != "xmlns" {
			continue
		}
		// The names and name spaces with a meaning of their own, and prefixes
		// that are undone, are beyond us.
		if r == nil || len(a.value) == 0 || s.declared == maxPrefixes ||
			string(local) == "xml" || string(local) == "xmlns" && declares ||
			bytes.Contains(a.value, []byte("www.w3.org/XML/")) || bytes.Contains(a.value, []byte("xmlns")) {
			return false
		}
		if declares {
			s.prefixes[s.declared].name, s.prefixes[s.declared].space = local, a.value
			s.declared++
		} else {
			s.standard = a.value
		}
	}
	for i, a := range attributes {
		prefix, local := splitName(a.name)
		switch {
		case prefix == nil:
			if r == nil {
				continue
			}
			switch string(local) {
			case "role":
				r.role = a.value
			case "version":
				r.version = a.value
			case "ivorn":
				r.ivoid = a.value
			}
		case string(prefix) != "xmlns":
			space := s.lookUp(prefix)
			if space == nil {
				return false
			}
			// Two prefixes of one name space could make one name of two.
			for _, other := range attributes[:i] {
				p, l := splitName(other.name)
				if p != nil && bytes.Equal(l, local) {
					return false
				}
			}
		}
	}
	prefix, local := splitName(name)
	space := s.standard
	if prefix != nil {
		if space = s.lookUp(prefix); space == nil {
			return false
		}
	}
	if r != nil {
		r.space, r.name = space, local
	}
	return true
}

// lookUp returns the name space that a prefix stands for, nil where it wasn't
// declared.
func (s *scanner) lookUp(prefix []byte) []byte {
	for _, p := range s.prefixes[:s.declared] {
		if bytes.Equal(p.name, prefix) {
			return p.space
		}
	}
	return nil
}

// splitName splits a name at its colon. Without one, prefix is nil.
func splitName(name []byte) (prefix, local []byte) {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return nil, name
}

// end passes over the end of the innermost open element behind its "</".
func (s *scanner) end() bool {
	name := s.name()
	if name == nil || !bytes.Equal(name, s.open[s.depth-1]) {
		return false
	}
	s.depth--
	s.space()
	return s.next(">")
}

// text passes over text up to the next element's start or end.
func (s *scanner) text() bool {
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; {
		case c == '<':
			return true
		case c == '&':
			if !s.next("&lt;") && !s.next("&gt;") && !s.next("&amp;") && !s.next("&#34;") && !s.next("&#39;") {
				return false
			}
		case c == ']', c >= 0x7f, c < ' ' && c != '\t' && c != '\n' && c != '\r':
			return false
		default:
			s.pos++
		}
	}
	return false
}
