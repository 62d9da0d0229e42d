package vtp

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// Limits of a document, so that what a stranger sends can't keep a reader busy:
// of the elements within each other, of an element's attributes, and of the
// name spaces that are declared at a place. Libxml2 has the first, too.
const (
	maxDepth      = 256
	maxAttributes = 256
	maxBindings   = 256
)

// The name spaces that are bound without a declaration, to xml and xmlns.
const (
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

// root is what a document says of itself: its root element, and the text of the
// first element Origin in it. Its fields may share memory with the document.
type root struct {
	space, name          []byte
	role, version, ivoid []byte // nil where there is no such attribute
	origin               []byte
}

// places are where parts of an event stand in its text: what is between the quotes
// of its IVOID, what is within the first Date of its Who, and the end of its root
// element. A part that isn't there has length 0.
type places struct {
	ivoidAt, dateAt span
	end             int // where the </ of the root element stands
}

// span is a part of a text.
type span struct{ from, to int }

// scan reads a document, in UTF-8 and without its XML declaration. It is a
// parser of our own because each event and each answer passes here, within what
// is measured, and package encoding/xml takes tens of microseconds for one.
// Tests check it against encoding/xml and against libxml2.
func scan(text []byte) (root, error) {
	s := scanner{
		b:          text,
		open:       make([]element, 0, 8),
		bindings:   make([]binding, 0, 4),
		attributes: make([]attribute, 0, 8),
	}
	s.document()
	return s.root, s.err
}

// document passes over the whole document.
func (s *scanner) document() {
	ok := s.misc(true) && s.start()
	for ok && len(s.open) > 0 {
		ok = s.content()
	}
	if ok = ok && s.misc(false); ok && s.pos < len(s.b) {
		s.want("nothing but comments behind the root element")
	}
}

// scanner is the place in a document. Its methods pass over what their names
// say, and return false where it isn't there; then err has the reason, unless a
// method's comment says otherwise.
type scanner struct {
	b          []byte
	pos        int
	open       []element   // the elements that have begun and not ended
	bindings   []binding   // the prefixes that are declared here, the innermost last
	attributes []attribute // of the last element that began
	root       root
	places     places
	inOrigin   bool
	inWho      bool
	inDate     bool
	err        error
}

type element struct {
	name     []byte // with its prefix
	bindings int    // how many there were before it
}

// binding binds a prefix to a name space. The prefix of those names that have
// none is empty.
type binding struct{ prefix, space []byte }

type attribute struct {
	prefix, local, value, space []byte
	at                          span // of the value
}

// want says what should stand here.
func (s *scanner) want(what string) bool {
	if s.pos >= len(s.b) {
		return s.fail("the document ends where %s should be", what)
	}
	return s.fail("got %.12q, want %s", s.b[s.pos:], what)
}

// wantEnd says that the end of the innermost open element should stand here.
func (s *scanner) wantEnd() bool {
	return s.want(fmt.Sprintf("the end of %.100q", s.open[len(s.open)-1].name))
}

func (s *scanner) fail(format string, args ...any) bool {
	if s.err == nil {
		s.err = fmt.Errorf("byte %d: %w", s.pos, fmt.Errorf(format, args...))
	}
	return false
}

// next passes over a literal, and reports whether it was there.
func (s *scanner) next(literal string) bool {
	if len(s.b)-s.pos < len(literal) || string(s.b[s.pos:s.pos+len(literal)]) != literal {
		return false
	}
	s.pos += len(literal)
	return true
}

// space passes over white space, and reports whether there was any.
func (s *scanner) space() bool {
	start := s.pos
	for s.pos < len(s.b) && isSpace(s.b[s.pos]) {
		s.pos++
	}
	return s.pos > start
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// misc passes over what may stand outside of the root element, before it a
// document type, too.
func (s *scanner) misc(before bool) bool {
	for {
		s.space()
		switch {
		case s.next("<!--"):
			if !s.comment() {
				return false
			}
		case s.next("<?"):
			if !s.instruction() {
				return false
			}
		case before && s.next("<!DOCTYPE"):
			before = false
			if !s.documentType() {
				return false
			}
		default:
			return true
		}
	}
}

// content passes over text and what ends it.
func (s *scanner) content() bool {
	if !s.text() {
		return false
	}
	switch {
	case s.next("</"):
		return s.end()
	case s.next("<!--"):
		return s.comment()
	case s.next("<![CDATA["):
		start := s.pos
		if !s.until("]]>") {
			return false
		}
		s.keep(s.b[start : s.pos-len("]]>")])
		return true
	case s.next("<?"):
		return s.instruction()
	}
	return s.start()
}

// keep keeps text of the element Origin.
func (s *scanner) keep(text []byte) {
	if s.inOrigin && len(s.open) == 2 {
		if s.root.origin == nil {
			s.root.origin = text[:len(text):len(text)]
		} else {
			s.root.origin = append(s.root.origin, text...)
		}
	}
}

// text passes over text, to the next <.
func (s *scanner) text() bool {
	start := s.pos
	for s.pos < len(s.b) {
		switch c := s.b[s.pos]; {
		case c == '<':
			s.keep(s.b[start:s.pos])
			return true
		case c == '&':
			s.keep(s.b[start:s.pos])
			r, ok := s.reference()
			if !ok {
				return false
			}
			if s.inOrigin {
				s.keep(utf8.AppendRune(nil, r))
			}
			start = s.pos
		case c == ']' && bytes.HasPrefix(s.b[s.pos:], []byte("]]>")):
			return s.want("no ]]> in text")
		case !s.character():
			return false
		}
	}
	return s.wantEnd()
}

// character passes over a character that a document may have.
func (s *scanner) character() bool {
	c := s.b[s.pos]
	if ' ' <= c && c < utf8.RuneSelf || c == '\n' || c == '\r' || c == '\t' {
		s.pos++
		return true
	}
	r, size := utf8.DecodeRune(s.b[s.pos:])
	if r == utf8.RuneError && size <= 1 || !isCharacter(r) {
		return s.want("a character of XML")
	}
	s.pos += size
	return true
}

// isCharacter reports whether a document may have the character.
func isCharacter(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || ' ' <= r && r < 0xd800 ||
		0xe000 <= r && r < 0xfffe || 0x10000 <= r && r <= 0x10ffff
}

// until passes over characters up to and with the literal.
func (s *scanner) until(literal string) bool {
	for s.pos < len(s.b) {
		if s.b[s.pos] == literal[0] && s.next(literal) {
			return true
		}
		if !s.character() {
			return false
		}
	}
	return s.want(literal)
}

// reference passes over a reference to a character, and returns that. There are
// no entities but those of XML.
func (s *scanner) reference() (rune, bool) {
	for i, entity := range [...]string{"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"} {
		if s.next(entity) {
			return rune(`<>&"'`[i]), true
		}
	}
	start, base := s.pos, rune(10)
	if !s.next("&#") {
		return 0, s.want("a reference to a character or to an entity of XML's own")
	}
	if s.next("x") {
		base = 16
	}
	var r rune
	for digits := 0; s.pos < len(s.b); digits++ {
		c := rune(s.b[s.pos] | 0x20) // a letter in lower case; digits stay as they are
		switch {
		case s.b[s.pos] == ';' && digits > 0 && isCharacter(r):
			s.pos++
			return r, true
		case '0' <= s.b[s.pos] && s.b[s.pos] <= '9':
			c -= '0'
		case base == 16 && 'a' <= c && c <= 'f':
			c -= 'a' - 10
		default:
			c = utf8.MaxRune + 1 // ends it
		}
		if r = r*base + c; r > utf8.MaxRune {
			break
		}
		s.pos++
	}
	s.pos = start
	return 0, s.want("a reference to a character of XML")
}

// comment passes over a comment behind its start.
func (s *scanner) comment() bool {
	if !s.until("--") {
		return false
	}
	return s.next(">") || s.want("> behind -- in a comment")
}

// instruction passes over a processing instruction behind its start.
func (s *scanner) instruction() bool {
	start := s.pos
	prefix, local, ok := s.name()
	if !ok || prefix != nil || bytes.EqualFold(local, []byte("xml")) {
		s.pos = start
		return s.want("the name of a processing instruction, without a colon (xml is one at the start only)")
	}
	if s.next("?>") {
		return true
	}
	if !s.space() {
		return s.want("?>")
	}
	return s.until("?>")
}

// documentType passes over a document type behind <!DOCTYPE. One with
// declarations of its own is refused: what they would change in a document,
// such as entities, isn't known here.
func (s *scanner) documentType() bool {
	if !s.space() {
		return s.want("a space before the name of a document type")
	}
	if _, _, ok := s.name(); !ok {
		return s.want("the name of a document type")
	}
	if s.space() {
		public := s.next("PUBLIC")
		if public && !(s.space() && s.literal(true)) ||
			(public || s.next("SYSTEM")) && !(s.space() && s.literal(false)) {
			return s.want("the address of a document type")
		}
		s.space()
	}
	return s.next(">") || s.want("the end of a document type (its own declarations aren't read)")
}

// literal passes over an address in quotes; a public one has letters, digits and
// certain marks only. Its err isn't set.
func (s *scanner) literal(public bool) bool {
	for _, quote := range [...]string{`"`, "'"} {
		if start := s.pos + 1; s.next(quote) {
			return s.until(quote) && (!public || consists(s.b[start:s.pos-1], " \r\n-'()+,./:=?;!*#@$%"))
		}
	}
	return false
}

// name passes over a name, and returns its prefix, nil if there is none, and
// what follows it. Its err isn't set.
func (s *scanner) name() (prefix, local []byte, ok bool) {
	start := s.pos
	if local, ok = s.part(); ok && s.next(":") {
		prefix = local
		local, ok = s.part()
	}
	if ok && s.pos < len(s.b) && s.b[s.pos] == ':' {
		ok = false
	}
	if !ok {
		s.pos = start
		return nil, nil, false
	}
	return prefix, local, true
}

// part passes over a part of a name, to a colon. Its err isn't set.
func (s *scanner) part() ([]byte, bool) {
	start := s.pos
	for s.pos < len(s.b) {
		c := s.b[s.pos]
		if c < utf8.RuneSelf {
			if !isWord(c) && c != '-' && c != '.' {
				break
			}
			if s.pos == start && (c == '-' || c == '.' || '0' <= c && c <= '9') {
				return nil, false
			}
			s.pos++
			continue
		}
		r, size := utf8.DecodeRune(s.b[s.pos:])
		if r == utf8.RuneError && size <= 1 || !isNameCharacter(r, s.pos == start) {
			break
		}
		s.pos += size
	}
	return s.b[start:s.pos], s.pos > start
}

// isNameCharacter reports whether a name may have a character beyond ASCII, and
// begin with it, by the fifth edition of XML 1.0.
func isNameCharacter(r rune, first bool) bool {
	if !first && (r == 0xb7 || 0x300 <= r && r <= 0x36f || 0x203f <= r && r <= 0x2040) {
		return true
	}
	for _, allowed := range [...][2]rune{
		{0xc0, 0xd6}, {0xd8, 0xf6}, {0xf8, 0x2ff}, {0x370, 0x37d}, {0x37f, 0x1fff}, {0x200c, 0x200d}, {0x2070, 0x218f},
		{0x2c00, 0x2fef}, {0x3001, 0xd7ff}, {0xf900, 0xfdcf}, {0xfdf0, 0xfffd}, {0x10000, 0xeffff},
	} {
		if allowed[0] <= r && r <= allowed[1] {
			return true
		}
	}
	return false
}
