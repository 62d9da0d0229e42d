package vtp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decode returns a document's text in UTF-8, behind its XML declaration. It
// shares memory with the document where that is in UTF-8.
func decode(document []byte) ([]byte, error) {
	order := byteOrder(document)
	text := document
	if order != nil {
		var err error
		if text, err = fromUTF16(document, order); err != nil {
			return nil, err
		}
	}
	text, marked := bytes.CutPrefix(text, []byte("\ufeff"))
	s := scanner{b: text}
	encoding, ok := s.declaration()
	if !ok {
		return nil, s.err
	}
	text = text[s.pos:]
	switch name := strings.ToLower(encoding); {
	case name == "" || name == "utf-8" && order == nil:
		return text, nil
	case name == "utf-16" && order != nil,
		name == "utf-16le" && order == binary.LittleEndian, name == "utf-16be" && order == binary.BigEndian:
		return text, nil
	case order != nil || marked || strings.HasPrefix(name, "utf-16"):
		return nil, fmt.Errorf("encoding %.100q: the document's first bytes are those of another", encoding)
	case name == "us-ascii" || name == "ascii":
		return fromLatin1(text, encoding, utf8.RuneSelf)
	case name == "iso-8859-1" || name == "latin-1" || name == "latin1":
		return fromLatin1(text, encoding, 0x100)
	}
	return nil, fmt.Errorf("got encoding %.100q, want UTF-8, UTF-16, US-ASCII or ISO-8859-1", encoding)
}

// byteOrder returns that of UTF-16, by its mark or the two characters that
// a declaration begins with, or nil.
func byteOrder(document []byte) binary.ByteOrder {
	for _, order := range [...]binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		if len(document) >= 4 && order.Uint16(document) == '<' && order.Uint16(document[2:]) == '?' ||
			len(document) >= 2 && order.Uint16(document) == 0xfeff {
			return order
		}
	}
	return nil
}

func fromUTF16(document []byte, order binary.ByteOrder) ([]byte, error) {
	if len(document)%2 != 0 {
		return nil, errors.New("half a character of UTF-16 at the end")
	}
	text := make([]byte, 0, len(document))
	for i := 0; i < len(document); i += 2 {
		r := rune(order.Uint16(document[i:]))
		if utf16.IsSurrogate(r) {
			first := r
			r = utf8.RuneError
			if i += 2; i < len(document) {
				r = utf16.DecodeRune(first, rune(order.Uint16(document[i:])))
			}
			if r == utf8.RuneError {
				return nil, fmt.Errorf("byte %d: half a character of UTF-16", i-2)
			}
		}
		text = utf8.AppendRune(text, r)
	}
	return text, nil
}

// fromLatin1 converts characters of one byte, each below a limit.
func fromLatin1(text []byte, encoding string, limit int) ([]byte, error) {
	converted := make([]byte, 0, len(text))
	for _, c := range text {
		if int(c) >= limit {
			return nil, fmt.Errorf("byte %#x isn't in encoding %.100q", c, encoding)
		}
		converted = utf8.AppendRune(converted, rune(c))
	}
	return converted, nil
}

// declaration passes over an XML declaration, if there is one, and returns the
// encoding that it names.
func (s *scanner) declaration() (encoding string, ok bool) {
	for _, usual := range [...]string{"<?xml version='1.0' encoding='UTF-8'?>",
		`<?xml version="1.0" encoding="UTF-8"?>`} {
		if s.next(usual) {
			return "utf-8", true
		}
	}
	if !s.next("<?xml") {
		return "", true
	}
	if s.pos < len(s.b) && !isSpace(s.b[s.pos]) { // another instruction, such as xml-stylesheet
		s.pos = 0
		return "", true
	}
	version, given, ok := s.pseudoAttribute("version")
	if ok && (!given || !strings.HasPrefix(version, "1.") || !digits(version[2:])) {
		return "", s.want("version 1.0 before this in an XML declaration")
	}
	if ok {
		encoding, given, ok = s.pseudoAttribute("encoding")
	}
	if ok && given && !encodingName(encoding) {
		return "", s.want("the name of an encoding before this in an XML declaration")
	}
	var standalone string
	if ok {
		standalone, given, ok = s.pseudoAttribute("standalone")
	}
	if ok && given && standalone != "yes" && standalone != "no" {
		return "", s.want("yes or no before this in an XML declaration")
	}
	s.space()
	if ok && !s.next("?>") {
		return "", s.want("the end of an XML declaration")
	}
	return encoding, ok
}

// pseudoAttribute passes over what looks like an attribute in a declaration, if
// it is given there.
func (s *scanner) pseudoAttribute(name string) (value string, given, ok bool) {
	start := s.pos
	if !s.space() || !s.next(name) {
		s.pos = start
		return "", false, true
	}
	s.space()
	if !s.next("=") {
		return "", true, s.want("=")
	}
	s.space()
	begun := s.pos
	b, ok := s.value()
	if ok && bytes.IndexByte(s.b[begun:s.pos], '&') >= 0 {
		return "", true, s.want("no & before this in an XML declaration")
	}
	return string(b), true, ok
}

func digits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

func encodingName(name string) bool {
	return name != "" && 'a' <= name[0]|0x20 && name[0]|0x20 <= 'z' && consists([]byte(name), "-.")
}
