package author

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"cometbench/vtp"
)

// events are the frames to be sent, made of templates in turn. They differ in
// their IVOID, which ends in a number, and in their date. What differs is made
// beforehand and takes 34 bytes per event.
type events struct {
	templates []template
	parts     []byte // of every event: the digits of its number, then its date
	series    []byte // the events' IVOIDs without their numbers
}

const (
	zeros        = "00000000"
	numberDigits = len(zeros)
	partsSize    = numberDigits + len(vtp.DateLayout)
)

// seriesName is what the IVOIDs of an author's events have before their numbers.
// It is new at every microsecond, so that a broker that has seen another load
// takes these for new.
func seriesName(now time.Time) string { return fmt.Sprintf("#cometbench-%d-", now.UnixMicro()) }

// newEvents makes n events of a config's author, dated a microsecond apart from
// now on. An author whose events our own reader doesn't take is an error.
func newEvents(c Config, now time.Time, n int) (*events, error) {
	date := now.UTC().Truncate(time.Microsecond)
	templates, err := newTemplates(c.Payload, c.From, now, c.Size)
	if err != nil {
		return nil, fmt.Errorf("events from %q: %w", c.From, err)
	}
	e := &events{
		templates: templates,
		parts:     make([]byte, 0, n*partsSize),
		series:    []byte(c.From + seriesName(now)),
	}
	for i := range n {
		e.parts = fmt.Appendf(e.parts, "%0*d", numberDigits, i)
		e.parts = date.Add(time.Duration(i)*time.Microsecond).AppendFormat(e.parts, vtp.DateLayout)
	}
	for i := range min(n, len(templates)+1) {
		if i == len(templates) {
			i = n - 1
		}
		head, err := vtp.ParseHead(e.frame(nil, i)[vtp.HeaderSize:])
		// Of an event of other versions, the broker is to judge.
		if err != nil && len(c.Payload) == 0 {
			return nil, fmt.Errorf("events from %q: %w", c.From, err)
		}
		if !e.is(i, head.IVOID) {
			return nil, fmt.Errorf("events from %q: event %d would be %s", c.From, i, head.IVOID)
		}
	}
	return e, nil
}

// frame returns the frame of event i, in buf, which has the frame of another
// event or nothing.
func (e *events) frame(buf []byte, i int) []byte {
	t := &e.templates[i%len(e.templates)]
	if len(e.templates) > 1 || len(buf) != len(t.frame) {
		buf = append(buf[:0], t.frame...)
	}
	parts := e.parts[i*partsSize:][:partsSize]
	t.write(buf, t.number, parts[:numberDigits])
	if t.date > 0 {
		t.write(buf, t.date, parts[numberDigits:])
	}
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
