package vtp

import "time"

// Event is what we write in a VOEvent 2.0.
type Event struct {
	// IVOID identifies the event: the author's, # and a name of the event's
	// own, as in ivo://comet.broker/test#1.
	IVOID string
	// Role is observation if it is empty.
	Role Role
	// AuthorIVOID identifies the author, as in ivo://comet.broker/test. It
	// may be empty.
	AuthorIVOID string
	// Date is when the event was made, to the microsecond. Zero is none.
	Date time.Time
	// Description says in words what it is. It may be empty.
	Description string
}

const (
	eventSpace    = "http://www.ivoa.net/xml/VOEvent/v2.0"
	instanceSpace = "http://www.w3.org/2001/XMLSchema-instance"
)

// DateLayout is how an event's date is written, for package time. Its length
// is always the same.
const DateLayout = "2006-01-02T15:04:05.000000"

// eventWriting is how an event is written. The order of elements is that of
// the schema.
type eventWriting struct {
	XMLName        struct{} `xml:"voe:VOEvent"`
	Space          string   `xml:"xmlns:voe,attr"`
	Instance       string   `xml:"xmlns:xsi,attr"`
	SchemaLocation string   `xml:"xsi:schemaLocation,attr"`
	Version        string   `xml:"version,attr"`
	Role           Role     `xml:"role,attr"`
	IVOID          string   `xml:"ivorn,attr"`
	Who            who      `xml:"Who"`
	What           *what    `xml:"What,omitempty"`
}

type who struct {
	AuthorIVOID string `xml:"AuthorIVORN,omitempty"`
	Date        string `xml:"Date,omitempty"`
}

type what struct {
	Description string `xml:"Description"`
}

// Append appends the event as XML to dst. Two events are of one length where
// their fields are; all dates are.
func (e Event) Append(dst []byte) []byte {
	w := eventWriting{
		Space:          eventSpace,
		Instance:       instanceSpace,
		SchemaLocation: "http://www.ivoa.net/xml/VOEvent/v2.0 http://www.ivoa.net/xml/VOEvent/VOEvent-v2.0.xsd",
		Version:        "2.0",
		Role:           e.Role,
		IVOID:          e.IVOID,
		Who:            who{AuthorIVOID: e.AuthorIVOID},
	}
	if w.Role == "" {
		w.Role = Observation
	}
	if !e.Date.IsZero() {
		w.Who.Date = e.Date.UTC().Format(DateLayout)
	}
	if e.Description != "" {
		w.What = &what{e.Description}
	}
	return appendDocument(dst, w)
}
