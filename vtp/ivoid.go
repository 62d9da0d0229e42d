package vtp

import (
	"bytes"
	"fmt"
	"strings"
)

// ivoidScheme begins every IVOID.
const ivoidScheme = "ivo://"

// SplitIVOID splits the IVOID of an event into the author's part, without
// the scheme, and the event's own name: ivo://comet.broker/test#1 into
// comet.broker/test and 1. Both share memory with the IVOID.
func SplitIVOID(ivoid []byte) (author, event []byte, err error) {
	if err := checkIVOID(ivoid); err != nil {
		return nil, nil, err
	}
	author, event, _ = bytes.Cut(ivoid[len(ivoidScheme):], []byte("#"))
	return author, event, nil
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
	invalid := func(why string) error { return fmt.Errorf("IVOID %q: %s", ivoid, why) }
	rest, ok := bytes.CutPrefix(ivoid, []byte(ivoidScheme))
	if !ok {
		return invalid("want ivo:// in front")
	}
	author, event, _ := bytes.Cut(rest, []byte("#"))
	if len(event) == 0 {
		return invalid("want the event's own name behind a #")
	}
	if !consists(event, eventMarks) {
		return invalid("a character isn't allowed behind the #")
	}
	authority, resource := author, []byte(nil)
	if i := bytes.IndexByte(author, '/'); i >= 0 {
		authority, resource = author[:i], author[i:]
	}
	if len(authority) < 3 || !isWord(authority[0]) || authority[0] == '_' || !consists(authority, authorityMarks) {
		return invalid("want an authority of three letters, digits or marks or more")
	}
	for len(resource) > 0 {
		// resource begins with a slash.
		segment := resource[1:]
		resource = nil
		if i := bytes.IndexByte(segment, '/'); i >= 0 {
			segment, resource = segment[:i], segment[i:]
		}
		if s := string(segment); s == "" || s == "." || s == ".." || !consists(segment, authorityMarks) {
			return invalid("a part of the path isn't allowed")
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
