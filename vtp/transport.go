package vtp

import (
	"encoding/xml"
	"fmt"
	"strings"
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

// parseRole returns the role that a document of the given kind is marked with.
// An event without one is an observation.
func parseRole(kind Kind, text string) (Role, error) {
	switch kind {
	case KindTransport:
		switch role := Role(text); role {
		case IAmAlive:
			return IAmAlive, nil
		case Authenticate:
			return Authenticate, nil
		case Ack:
			return Ack, nil
		case Nak:
			return Nak, nil
		}
		return "", fmt.Errorf("transport message: role %q: want iamalive, authenticate, ack or nak", text)
	default:
		switch role := Role(text); role {
		case Observation, "":
			return Observation, nil
		case Prediction:
			return Prediction, nil
		case Utility:
			return Utility, nil
		case Test:
			return Test, nil
		}
		return "", fmt.Errorf("event: role %q: want observation, prediction, utility or test", text)
	}
}

// Transport is a transport message.
type Transport struct {
	Role Role
	// Origin is the IVOID of who began the exchange: of the event that is
	// acked or nak'd, or of the broker that says that it is alive.
	Origin string
	// Response is the IVOID of who answers, empty where the message is no
	// answer.
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

// transportReading is how a transport message is read.
type transportReading struct {
	XMLName   xml.Name
	Role      string `xml:"role,attr"`
	Origin    string `xml:"Origin"`
	Response  string `xml:"Response"`
	TimeStamp string `xml:"TimeStamp"`
	Meta      meta   `xml:"Meta"`
}

// meta is a transport message's remarks.
type meta struct {
	Result string `xml:"Result"`
}

// Append appends the message as XML to dst.
func (t Transport) Append(dst []byte) []byte {
	w := transportWriting{
		Space:          transportSpace,
		Instance:       instanceSpace,
		SchemaLocation: "http://telescope-networks.org/schema/Transport/v1.1 http://www.telescope-networks.org/schema/Transport-v1.1.xsd",
		Version:        "1.0",
		Role:           t.Role,
		Origin:         t.Origin,
		Response:       t.Response,
		TimeStamp:      t.TimeStamp.UTC().Format("2006-01-02T15:04:05Z"),
	}
	if t.Result != "" {
		w.Meta = &meta{t.Result}
	}
	return appendDocument(dst, w)
}

// ParseTransport reads a transport message. What it has beyond Transport's
// fields is passed over.
func ParseTransport(b []byte) (Transport, error) {
	head, err := ParseHead(b)
	if err != nil {
		return Transport{}, err
	}
	if head.Kind != KindTransport {
		return Transport{}, fmt.Errorf("got %v, want a transport message", head.Kind)
	}
	var r transportReading
	if err := unmarshal(b, &r); err != nil {
		return Transport{}, fmt.Errorf("transport message: %w", err)
	}
	t := Transport{
		Role:     head.Role,
		Origin:   strings.TrimSpace(r.Origin),
		Response: strings.TrimSpace(r.Response),
		Result:   strings.TrimSpace(r.Meta.Result),
	}
	if text := strings.TrimSpace(r.TimeStamp); text != "" {
		if t.TimeStamp, err = parseTime(text); err != nil {
			return Transport{}, fmt.Errorf("transport message: TimeStamp: %w", err)
		}
	}
	return t, nil
}

// parseTime reads a time as XML Schema writes it: an ISO 8601 time with as
// many digits as there are and perhaps a zone, without one UTC.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q: want a time like 2012-01-01T00:00:00Z", text)
}
