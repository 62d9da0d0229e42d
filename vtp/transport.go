package vtp

import (
	"fmt"
	"time"
)

// Role is the role of a message: what a transport message is for, or what kind
// of event an event is.
type Role string

// The roles of transport messages.
const (
	IAmAlive     Role = "iamalive"
	Authenticate Role = "authenticate"
	Ack          Role = "ack"
	Nak          Role = "nak"
)

// The roles of events.
const (
	Observation Role = "observation"
	Prediction  Role = "prediction"
	Utility     Role = "utility"
	Test        Role = "test"
)

// roles are those of each kind of message.
var roles = map[Kind][]Role{
	KindTransport: {IAmAlive, Authenticate, Ack, Nak},
	KindEvent:     {Observation, Prediction, Utility, Test},
}

// parseRole returns the role that a message is marked with, nil where it isn't:
// an event without one is an observation.
func parseRole(kind Kind, text []byte) (Role, error) {
	if text == nil && kind == KindEvent {
		return Observation, nil
	}
	for _, role := range roles[kind] {
		if string(text) == string(role) {
			return role, nil
		}
	}
	return "", fmt.Errorf("got role %.100q, want one of %s", text, roles[kind])
}

// Transport is a transport message.
type Transport struct {
	Role Role
	// Origin is the IVOID of what the message is about: in an ack or a nak the
	// event's, in an iamalive and its answer that of the broker which asks.
	Origin string
	// Response is the IVOID of who answers, empty in what is no answer.
	Response string
	// TimeStamp is when the message was made, to the second.
	TimeStamp time.Time
	// Result says why an event was nak'd.
	Result string
}

const transportSpace = "http://www.telescope-networks.org/xml/Transport/v1.1"

// transportWriting is how a transport message is written. Package encoding/xml
// has no say about prefixes, and some readers of VTP know messages by theirs,
// so the prefixes stand in the names.
type transportWriting struct {
	XMLName        struct{} `xml:"trn:Transport"`
	Space          string   `xml:"xmlns:trn,attr"`
	Instance       string   `xml:"xmlns:xsi,attr"`
	SchemaLocation string   `xml:"xsi:schemaLocation,attr"`
	Version        string   `xml:"version,attr"`
	Role           Role     `xml:"role,attr"`
	Origin         string   `xml:"Origin"`
	Response       string   `xml:"Response,omitempty"`
	TimeStamp      string   `xml:"TimeStamp"`
	Meta           *meta    `xml:"Meta,omitempty"`
}

// meta is a transport message's remarks.
type meta struct {
	Result string `xml:"Result"`
}

// Append appends the message as XML to dst.
func (t Transport) Append(dst []byte) []byte {
	w := transportWriting{
		Space:    transportSpace,
		Instance: instanceSpace,
		SchemaLocation: "http://telescope-networks.org/schema/Transport/v1.1 " +
			"http://www.telescope-networks.org/schema/Transport-v1.1.xsd",
		Version:   "1.0",
		Role:      t.Role,
		Origin:    t.Origin,
		Response:  t.Response,
		TimeStamp: t.TimeStamp.UTC().Format("2006-01-02T15:04:05Z"),
	}
	if t.Result != "" {
		w.Meta = &meta{t.Result}
	}
	return appendDocument(dst, w)
}
