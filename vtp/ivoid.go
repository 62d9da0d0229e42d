package vtp

import (
	"bytes"
	"fmt"
	"strings"
)

// IVOIDScheme begins every IVOID.
const IVOIDScheme = "ivo://"

// MaxIVOID is the longest IVOID of an event that is taken, in bytes: each answer
// repeats it.
const MaxIVOID = 4096

// AuthorOf returns the author's part of a valid IVOID of an event, without the
// scheme: comet.broker/test of ivo://comet.broker/test#1. It shares memory with
// the IVOID.
func AuthorOf(ivoid []byte) []byte {
	author, _, _ := bytes.Cut(bytes.TrimPrefix(ivoid, []byte(IVOIDScheme)), []byte("#"))
	return author
}

// What IVOIDs may have besides letters, digits and the underscore, by IVOA
// Identifiers 2.0.
const (
	authorityMarks = "-.~*'()"
	eventMarks     = authorityMarks + "+=/%!$&,;:@?"
)

// checkIVOID checks the IVOID of an event: an authority of three characters or
// more, perhaps a path, and the event's own name behind a #.
func checkIVOID(ivoid []byte) error {
	invalid := func(why string) error { return fmt.Errorf("got IVOID %.100q, want %s", ivoid, why) }
	if len(ivoid) > MaxIVOID {
		return invalid("4,096 bytes at most")
	}
	rest, ok := bytes.CutPrefix(ivoid, []byte(IVOIDScheme))
	if !ok {
		return invalid("ivo:// in front")
	}
	author, event, _ := bytes.Cut(rest, []byte("#"))
	if len(event) == 0 {
		return invalid("the event's own name behind a #")
	}
	if !consists(event, eventMarks) {
		return invalid("only letters, digits and _" + eventMarks + " behind the #")
	}
	authority, resource := author, []byte(nil)
	if i := bytes.IndexByte(author, '/'); i >= 0 {
		authority, resource = author[:i], author[i:]
	}
	if len(authority) < 3 || !isWord(authority[0]) || authority[0] == '_' || !consists(authority, authorityMarks) {
		return invalid("an authority of three letters, digits or marks or more")
	}
	for len(resource) > 0 {
		// resource begins with a slash.
		segment := resource[1:]
		resource = nil
		if i := bytes.IndexByte(segment, '/'); i >= 0 {
			segment, resource = segment[:i], segment[i:]
		}
		if s := string(segment); s == "" || s == "." || s == ".." || !consists(segment, authorityMarks) {
			return invalid("parts of a path that have letters, digits and _" + authorityMarks +
				" only, and aren't . or ..")
		}
	}
	return nil
}

// consists reports whether b has nothing but letters, digits, underscores and
// marks.
func consists(b []byte, marks string) bool {
	for _, c := range b {
		if !isWord(c) && strings.IndexByte(marks, c) < 0 {
			return false
		}
	}
	return true
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}
