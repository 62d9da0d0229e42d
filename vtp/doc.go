// Package vtp speaks the VOEvent Transport Protocol: frames on a TCP
// connection, each the length of its payload and the payload, which is an XML
// document: a VOEvent, or a transport message about one.
//
// An author connects to a broker, sends one event, waits for an ack or a nak
// and closes. A subscriber connects to a broker and stays; the broker sends it
// every event, which the subscriber acks, and now and then an iamalive, which
// the subscriber answers in kind.
//
// # What is taken
//
// [ParseHead] takes a document that is well-formed by XML 1.0 and its name
// spaces, in UTF-8 or UTF-16 with or without a byte order mark, US-ASCII or
// ISO-8859-1. A transport message has a root element Transport, in whatever
// name space, and one of its four roles. An event has a root element VOEvent
// in the name space of version 2.0, the attribute version="2.0", one of its
// four roles (or no attribute role), and a valid IVOID.
//
// It refuses three things that are well-formed: other encodings, which XML
// doesn't ask a reader to know; document types with declarations of their own
// and the entities from them, with which a short document becomes a long one;
// and more than 256 elements within each other, attributes of an element, or
// name spaces at a place, each of which costs time.
//
// It doesn't check that a name space is a URI, as libxml2 does, nor an event
// against its schema, as Comet does: an event whose elements are wrong, or in a
// wrong order, is taken here and nak'd by Comet.
package vtp
