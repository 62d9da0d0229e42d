package author

import (
	"bytes"
	"fmt"
	"time"

	"cometbench/vtp"
)

// events are the frames to be sent. They differ in their IVOID, which has a
// sequence number in it, and in their date; all else is one template. What
// differs is made beforehand and takes some 40 bytes an event.
type events struct {
	template []byte // a whole frame
	parts    []byte // of every event: the digits of its number, then its date
	number   int    // where these stand in the template
	date     int
}

const (
	numberDigits = 8
	partsSize    = numberDigits + len(vtp.DateLayout)
)

// newEvents makes n events of an author, dated a microsecond apart from now on.
// IVOIDs are new at every microsecond, so that a broker that has seen another
// load takes these for new.
func newEvents(from string, now time.Time, n int) *events {
	series := fmt.Sprintf("%s#cometbench-%d-", from, now.UnixMicro())
	const zeros = "00000000"
	date := now.UTC().Truncate(time.Microsecond)
	frame := vtp.AppendFrame(nil, vtp.Event{
		IVOID: series + zeros[:numberDigits], AuthorIVOID: from, Role: vtp.Test, Date: date,
		Description: "An event of cometbench, a benchmark of VOEvent brokers. It stands for nothing.",
	}.Append(nil))
	e := &events{
		template: frame,
		number:   bytes.Index(frame, []byte(series)) + len(series),
		date:     bytes.Index(frame, []byte(date.Format(vtp.DateLayout))),
		parts:    make([]byte, 0, n*partsSize),
	}
	for i := range n {
		e.parts = fmt.Appendf(e.parts, "%0*d", numberDigits, i)
		e.parts = date.Add(time.Duration(i)*time.Microsecond).AppendFormat(e.parts, vtp.DateLayout)
	}
	return e
}

// frame returns the frame of event i, in buf, which holds a frame of another
// event or nothing.
func (e *events) frame(buf []byte, i int) []byte {
	if len(buf) != len(e.template) {
		buf = append(buf[:0], e.template...)
	}
	parts := e.parts[i*partsSize:][:partsSize]
	copy(buf[e.number:], parts[:numberDigits])
	copy(buf[e.date:], parts[numberDigits:])
	return buf
}

// answer reads the outcome from a frame's payload that a broker sent.
func answer(payload []byte) Outcome {
	head, err := vtp.ParseHead(payload)
	switch {
	case err != nil || head.Kind != vtp.KindTransport:
		return Other
	case head.Role == vtp.Ack:
		return Acked
	case head.Role == vtp.Nak:
		return Nakked
	}
	return Other
}
