package author

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"cometbench/vtp"
)

// events are the frames to be sent. They differ in their IVOID, which ends in a
// number, and in their date; all else is one template. What differs is made
// beforehand and takes 34 bytes per event.
type events struct {
	template []byte // a whole frame
	parts    []byte // of every event: the digits of its number, then its date
	number   int    // where these stand in the template
	date     int
	series   []byte // the events' IVOIDs without their numbers
}

const (
	numberDigits = 8
	partsSize    = numberDigits + len(vtp.DateLayout)
)

// newEvents makes n events of an author, dated a microsecond apart from now on.
// IVOIDs are new at every microsecond, so that a broker that has seen another
// load takes these for new. An author whose events our own reader doesn't take
// is an error.
func newEvents(from string, now time.Time, n int) (*events, error) {
	name := fmt.Sprintf("#cometbench-%d-", now.UnixMicro())
	const zeros = "00000000"
	date := now.UTC().Truncate(time.Microsecond)
	frame := vtp.AppendFrame(nil, vtp.Event{
		IVOID: from + name + zeros[:numberDigits], AuthorIVOID: from, Role: vtp.Test, Date: date,
		Description: "An event of cometbench, a benchmark of VOEvent brokers. It stands for nothing.",
	}.Append(nil))
	e := &events{
		template: frame,
		// The author's name may be written with references; this never is.
		number: bytes.Index(frame, []byte(name)) + len(name),
		date:   bytes.Index(frame, []byte(date.Format(vtp.DateLayout))),
		parts:  make([]byte, 0, n*partsSize),
		series: []byte(from + name),
	}
	for i := range n {
		e.parts = fmt.Appendf(e.parts, "%0*d", numberDigits, i)
		e.parts = date.Add(time.Duration(i)*time.Microsecond).AppendFormat(e.parts, vtp.DateLayout)
	}
	for _, i := range [...]int{0, n - 1} {
		head, err := vtp.ParseHead(e.frame(nil, i)[vtp.HeaderSize:])
		if err != nil {
			return nil, fmt.Errorf("events from %q: %w", from, err)
		}
		if !e.is(i, head.IVOID) {
			return nil, fmt.Errorf("events from %q: event %d would be %s", from, i, head.IVOID)
		}
	}
	return e, nil
}

// frame returns the frame of event i, in buf, which has the frame of another
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

// is reports whether ivoid is that of event i.
func (e *events) is(i int, ivoid []byte) bool {
	number, ok := bytes.CutPrefix(ivoid, e.series)
	return ok && bytes.Equal(number, e.parts[i*partsSize:][:numberDigits])
}

// readAnswer reads frames until one is an answer, and returns the outcome that
// it means for an event whose IVOID is as isEvent reports.
func readAnswer(r io.Reader, isEvent func(ivoid []byte) bool) (Outcome, error) {
	var payload []byte
	for {
		var err error
		if payload, err = vtp.ReadFrame(r, payload); err != nil {
			return Other, err
		}
		if outcome, final := answer(payload, isEvent); final {
			return outcome, nil
		}
	}
}

// answer returns the outcome that a broker's message means. Messages that are no
// answers, such as an iamalive, are not final. A nak needs no IVOID: a broker that can't read an event knows none.
func answer(payload []byte, isEvent func(ivoid []byte) bool) (outcome Outcome, final bool) {
	head, err := vtp.ParseHead(payload)
	switch {
	case err != nil || head.Kind != vtp.KindTransport:
		return Other, true
	case head.Role != vtp.Ack && head.Role != vtp.Nak:
		return Other, false
	case head.Role == vtp.Nak && (len(head.Origin) == 0 || isEvent(head.Origin)):
		return Nakked, true
	case head.Role == vtp.Ack && isEvent(head.Origin):
		return Acked, true
	}
	return WrongAnswer, true
}
