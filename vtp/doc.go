// Package vtp speaks the VOEvent Transport Protocol: frames on a TCP
// connection, each the length of its payload and the payload, which is an XML
// document: a VOEvent, or a transport message about one.
//
// An author connects to a broker, sends one event, waits for an ack or a nak
// and closes. A subscriber connects to a broker and stays; the broker sends it
// every event, which the subscriber acks, and now and then an iamalive, which
// the subscriber answers in kind.
package vtp
