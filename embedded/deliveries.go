package embedded

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// Deliveries are what a [Audience] of subscribers has got.
type Deliveries struct {
	Subscribers int
	// Again is how often a subscriber has lost its connection, and made it anew.
	Again int
	// Events are by the SHA-1 of their bytes, as event databases have them.
	Events map[[sha1.Size]byte]Delivery
}

// Delivery is that of one event.
type Delivery struct {
	// Author is the IVOID of who has sent it.
	Author string
	// Count is how many subscribers have got it, the First and the Last of them
	// at a time.
	Count       int
	First, Last time.Time
}

// deliveriesEnd begins the last line, without which a file is half of one.
const deliveriesEnd = "end"

// append appends the deliveries as text: a line for each event (SHA-1, count,
// both times in Unix nanoseconds, and the author), and one for the whole.
func (d *Deliveries) append(dst []byte) []byte {
	for sum, e := range d.Events {
		dst = fmt.Appendf(dst, "%x %d %d %d %s\n", sum, e.Count, e.First.UnixNano(), e.Last.UnixNano(), e.Author)
	}
	return fmt.Appendf(dst, "%s %d %d\n", deliveriesEnd, d.Subscribers, d.Again)
}

// ReadDeliveries reads what a [Audience] has written. The error is
// [io.ErrUnexpectedEOF], wrapped, where that isn't whole.
func ReadDeliveries(text []byte) (*Deliveries, error) {
	d := &Deliveries{Events: make(map[[sha1.Size]byte]Delivery)}
	for number := 1; ; number++ {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			return nil, fmt.Errorf("deliveries: %w", io.ErrUnexpectedEOF)
		}
		text = rest
		bad := func(err error) error { return fmt.Errorf("deliveries: line %d: got %.100q: %w", number, line, err) }
		if end, ok := bytes.CutPrefix(line, []byte(deliveriesEnd+" ")); ok {
			if _, err := fmt.Sscanf(string(end), "%d %d", &d.Subscribers, &d.Again); err != nil {
				return nil, bad(err)
			}
			if len(text) > 0 {
				return nil, bad(errors.New("want nothing behind it"))
			}
			return d, nil
		}
		var e Delivery
		var key string
		var first, last int64
		if _, err := fmt.Sscanf(string(line), "%s %d %d %d %s", &key, &e.Count, &first, &last, &e.Author); err != nil {
			return nil, bad(err)
		}
		var sum [sha1.Size]byte
		if n, err := hex.Decode(sum[:], []byte(key[:min(len(key), 2*len(sum))])); err != nil || n != len(sum) {
			return nil, bad(errors.New("want the SHA-1 of an event"))
		}
		e.First, e.Last = time.Unix(0, first), time.Unix(0, last)
		d.Events[sum] = e
	}
}
