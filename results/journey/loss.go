package journey

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cometbench/results/stat"
)

// Loss is a way in which an event may go astray.
type Loss int

// The losses. An event has the first of those up to UndeliveredAck that is true of
// it, or none; it may have each of the others too.
const (
	NeverConnected     Loss = iota
	NotAcked                // connected, but neither ack'd nor nak'd
	Nakked                  // refused in a nak
	NotStored               // acked, and not in the broker's database
	NotDelivered            // in the broker's database, and not in the subscriber's
	UndeliveredAck          // acked, and not in the subscriber's, where the broker's isn't known
	DeliveredLate           // overtaken: see [Journeys.Losses]
	DeliveredTwice          // received again by a subscriber that says so
	StoredThoughNakked      // in the broker's database, though nak'd
	losses
)

// String says it in words, as run.json has it.
func (l Loss) String() string {
	return [...]string{
		"never connected", "connected and not acked", "nak'd", "acked and not stored", "stored and not delivered",
		"acked and not delivered", "delivered late", "delivered twice", "stored though nak'd",
	}[l]
}

// lateness is by how much an event is delivered later than one that the broker got
// after it, if it is late: a subscriber that has lost its connection comes back
// after a second.
const lateness = time.Second

// Losses are how many events were lost, by the name of their loss.
type Losses map[string]int

// String says them in words, in the order of the losses.
func (l Losses) String() string {
	var texts []string
	for loss := range losses {
		if n := l[loss.String()]; n > 0 {
			texts = append(texts, count(n)+" "+loss.String())
		}
	}
	return strings.Join(texts, ", ")
}

// Losses counts the losses. An event is late if another one, which the broker
// stored after it, was delivered at least a second before it: where all events
// wait in a line, none is.
func (j *Journeys) Losses() Losses {
	count := make(Losses)
	add := func(l Loss, n int) {
		if n > 0 {
			count[l.String()] += n
		}
	}
	for i := range j.Events {
		if l, ok := j.loss(&j.Events[i]); ok {
			add(l, 1)
		}
		if j.strayed(StoredThoughNakked, &j.Events[i]) {
			add(StoredThoughNakked, 1)
		}
	}
	add(DeliveredLate, j.late())
	add(DeliveredTwice, len(j.again))
	if len(count) == 0 {
		return nil
	}
	return count
}

// loss returns the first loss of an event.
func (j *Journeys) loss(e *Event) (Loss, bool) {
	for l := NeverConnected; l <= UndeliveredAck; l++ {
		if j.strayed(l, e) {
			return l, true
		}
	}
	return 0, false
}

// strayed reports whether an event has a loss, apart from those that others or the
// subscriber tell of.
func (j *Journeys) strayed(l Loss, e *Event) bool {
	_, stored := e.At(Broker)
	_, delivered := e.At(Delivery)
	switch l {
	case NeverConnected:
		return !e.Connected
	case NotAcked:
		return e.Outcome != acked && e.Outcome != nakked
	case Nakked:
		return e.Outcome == nakked
	case NotStored:
		return j.knows(Broker) && !stored
	case NotDelivered:
		return j.knows(Broker) && j.knows(Delivery) && !delivered
	case UndeliveredAck:
		return !j.knows(Broker) && j.knows(Delivery) && !delivered
	case StoredThoughNakked:
		return j.knows(Broker) && e.Outcome == nakked && stored
	}
	return false
}

// order returns the events in the order in which the broker stored them, or where
// that isn't known, in which they were begun.
func (j *Journeys) order() []*Event {
	list := make([]*Event, 0, len(j.Events))
	for i := range j.Events {
		e := &j.Events[i]
		if _, stored := e.At(Broker); stored || !j.knows(Broker) {
			list = append(list, e)
		}
	}
	slices.SortStableFunc(list, func(a, b *Event) int { return cmp.Compare(j.placed(a), j.placed(b)) })
	return list
}

// placed is when an event has its place in the order.
func (j *Journeys) placed(e *Event) time.Duration {
	if at, ok := e.At(Broker); ok {
		return at
	}
	return e.Begun
}

func (j *Journeys) late() int {
	if !j.knows(Delivery) {
		return 0
	}
	const none = time.Duration(1<<63 - 1)
	late, earliest := 0, none
	for _, e := range slices.Backward(j.order()) {
		at, ok := e.At(Delivery)
		if !ok {
			continue
		}
		if earliest != none && at-earliest >= lateness {
			late++
		}
		earliest = min(earliest, at)
	}
	return late
}

// Block is a number of events in a row that have the same loss.
type Block struct {
	Loss   Loss
	Events int
	// From is the place of the first one, from 1: in the broker's order where
	// events were stored, else in the author's.
	From int
	// First and Last are when the first and the last of them were stored by the
	// broker, or begun by the author, since the author's clock started; Origin is
	// when the first of all events was.
	First, Last, Origin time.Duration
}

// leastBlock is how many events in a row are told of, mostBlocks of how many
// blocks.
const (
	leastBlock = 3
	mostBlocks = 5
)

// Blocks returns the longest blocks of events that were lost in a row, the
// longest first.
func (j *Journeys) Blocks() []Block {
	begun := make([]*Event, len(j.Events))
	for i := range j.Events {
		begun[i] = &j.Events[i]
	}
	list := append(
		j.blocks(j.order(), j.placed, func(l Loss) bool { return l == NotDelivered }),
		j.blocks(begun, func(e *Event) time.Duration { return e.Begun },
			func(l Loss) bool { return l != NotDelivered })...,
	)
	slices.SortStableFunc(list, func(a, b Block) int { return cmp.Compare(b.Events, a.Events) })
	return list[:min(len(list), mostBlocks)]
}

// blocks returns the blocks of the wanted losses among events, which are in the
// order of the times at which they were somewhere.
func (j *Journeys) blocks(events []*Event, at func(*Event) time.Duration, wanted func(Loss) bool) []Block {
	var list []Block
	var b Block
	end := func() {
		if b.Events >= leastBlock {
			list = append(list, b)
		}
		b = Block{}
	}
	for i, e := range events {
		l, lost := j.loss(e)
		lost = lost && wanted(l)
		if b.Events > 0 && (!lost || l != b.Loss) {
			end()
		}
		if !lost {
			continue
		}
		if b.Events == 0 {
			b = Block{Loss: l, From: i + 1, First: at(e), Origin: at(events[0])}
		}
		b.Events++
		b.Last = at(e)
	}
	end()
	return list
}

// String says it in words.
func (b Block) String() string {
	what, order := strings.ReplaceAll(b.Loss.String(), " and ", ", "), "the author's order"
	if b.Loss == NotDelivered {
		what, order = "stored by the broker, not delivered", "the broker's order"
	}
	return fmt.Sprintf("%s events in a row (%s to %s in %s, %s to %s after its first), %s, within %s",
		count(b.Events), count(b.From), count(b.From+b.Events-1), order,
		seconds(b.First-b.Origin), seconds(b.Last-b.Origin), what, seconds(b.Last-b.First))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func count(n int) string { return stat.FormatCount(float64(n)) }
