// Package journey tells what became of each event of a run: when it was begun,
// acked, stored by the broker, and stored by the subscriber, or where it was lost.
//
// The author writes when it began each event, how that fared, and the SHA-1 of
// its bytes ([Read]). Event databases name events by that SHA-1, so that
// [Journeys.Join] finds the time of each event in them. From these come latencies
// ([Journeys.Latency]), histograms that other tools read ([Journeys.WriteLog]), and
// losses by name ([Journeys.Losses]).
//
// A million journeys take about 160 MB while they are joined.
package journey

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"

	"cometbench/eventdb"
)

// Stage is a place that an event reaches on its journey.
type Stage int

// The stages, in their order.
const (
	Ack      Stage = iota // the broker's ack has arrived at the author's machine
	Broker                // the event is in the broker's database
	Delivery              // the event is in the subscriber's database
	stages
)

// Stages returns all stages in order.
func Stages() [stages]Stage { return [...]Stage{Ack, Broker, Delivery} }

// String names the stage as metrics and files do: "ack", "broker" or "delivery".
func (s Stage) String() string { return [...]string{"ack", "broker", "delivery"}[s] }

// never is the time at which an event reached a stage that it didn't reach.
const never = time.Duration(math.MinInt64)

// Event is the journey of one event. Its times are since the author's clock
// started.
type Event struct {
	// Key is the SHA-1 of the event's bytes, zero where the author didn't write it.
	Key [sha1.Size]byte
	// Start is when the event was due: planned, or where nothing was planned,
	// when its connection was begun.
	Start time.Duration
	// Begun is when its connection was begun, and Done when it was acked or had
	// failed.
	Begun, Done time.Duration
	// Answered is when the broker's answer arrived at the author's machine; Done,
	// when the author read it, where that isn't known.
	Answered time.Duration
	// Outcome is what the author calls it: "ack", "nak", "timeout" and so on.
	Outcome string
	// Connected says that its connection stood.
	Connected bool

	stored [stages]time.Duration // when, never where it wasn't
}

const (
	acked  = "ack"
	nakked = "nak"
)

// At returns when the event reached a stage, and whether it did.
func (e *Event) At(s Stage) (time.Duration, bool) {
	if s == Ack {
		return e.Answered, e.Outcome == acked
	}
	return e.stored[s], e.stored[s] != never
}

// Journeys are those of all events of a run.
type Journeys struct {
	// Started is when the author's clock started.
	Started time.Time
	// Events are in the order in which the author began them.
	Events []Event

	planned bool           // times of Start are planned ones
	joined  [stages]joined // what is known of databases
	doubts  [stages]string // why a stage has no latencies, in words
	again   []int          // events that the subscriber received again

	byKey map[[sha1.Size]byte]int32 // made for the first join
}

// joined is what is known of a database.
type joined struct {
	known      bool
	resolution time.Duration
}

// knows reports whether it is known which events reached a stage.
func (j *Journeys) knows(s Stage) bool { return s == Ack || j.joined[s].known }

// Join reads the database of the broker or the subscriber, and notes when each
// event was stored there. Resolution is that of its times, as
// [eventdb.Summary] has it.
//
// A database with events that weren't sent, byte for byte, can't be joined: the
// broker rewrites events, say. That is no error, but in [Journeys.Doubts].
func (j *Journeys) Join(ctx context.Context, s Stage, db *eventdb.DB, resolution time.Duration) error {
	if err := j.index(); err != nil {
		return err
	}
	for i := range j.Events {
		j.Events[i].stored[s] = never
	}
	foreign := 0
	for entry, err := range db.Entries(ctx) {
		if err != nil {
			return err
		}
		i, ok := j.find(entry.Key)
		if !ok {
			foreign++
			continue
		}
		at, err := entry.Time()
		if err != nil {
			return fmt.Errorf("key %.40q: %w", entry.Key, err)
		}
		j.Events[i].stored[s] = at.Sub(j.Started)
	}
	j.joined[s] = joined{foreign == 0, resolution}
	if foreign > 0 {
		j.doubts[s] = fmt.Sprintf("%d events in the %s's database aren't, byte for byte, among those that were sent",
			foreign, [...]string{Broker: "broker", Delivery: "subscriber"}[s])
	}
	return nil
}

// JoinAgain reads the database of what the subscriber received again.
func (j *Journeys) JoinAgain(ctx context.Context, db *eventdb.DB) error {
	if err := j.index(); err != nil {
		return err
	}
	for entry, err := range db.Entries(ctx) {
		if err != nil {
			return err
		}
		if i, ok := j.find(entry.Key); ok {
			j.again = append(j.again, i)
		}
	}
	return nil
}

// DoubtClock says that no time of a database can be set beside the author's.
func (j *Journeys) DoubtClock(why string) {
	j.doubts[Broker], j.doubts[Delivery] = why, why
}

var errNoKeys = errors.New("the author wrote no SHA-1s: want events.csv.gz of this version")

// index makes it known which event has which key.
func (j *Journeys) index() error {
	if j.byKey != nil {
		return nil
	}
	index := make(map[[sha1.Size]byte]int32, len(j.Events))
	for i := range j.Events {
		index[j.Events[i].Key] = int32(i)
	}
	if len(index) != len(j.Events) {
		return errNoKeys
	}
	j.byKey = index
	return nil
}

// find returns the event of a database's key.
func (j *Journeys) find(key []byte) (int, bool) {
	var sum [sha1.Size]byte
	if len(key) != hex.EncodedLen(len(sum)) {
		return 0, false
	}
	if _, err := hex.Decode(sum[:], key); err != nil {
		return 0, false
	}
	i, ok := j.byKey[sum]
	return int(i), ok
}
