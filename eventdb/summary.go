package eventdb

import (
	"context"
	"fmt"
	"time"
)

// A Summary is what a run needs to know of a database.
type Summary struct {
	Format  string    // the file format, for people
	Entries int       // number of events
	First   time.Time // when the earliest event was received; zero if there is none
	Last    time.Time // when the latest was

	// Resolution is the smallest difference of two times that the writer's
	// digits can tell, deduced from the most decimals seen: 10 ms for the two
	// decimals of Python 2 (or one, which is two with the zero left off), a
	// microsecond for dates, 100 ns for Python 3. It is zero if there are no
	// entries.
	Resolution time.Duration
}

// Span returns the time from the first event to the last, as a time that long
// after the Unix epoch: a time.Duration ends at 292 years.
func (s Summary) Span() time.Time {
	return time.Unix(s.Last.Unix()-s.First.Unix(), int64(s.Last.Nanosecond()-s.First.Nanosecond()))
}

// Summary reads the database in one pass, until ctx is done. A value that is no
// time is an error.
func (db *DB) Summary(ctx context.Context) (Summary, error) {
	var sum tally
	err := db.read(ctx, sum.add)
	if err == nil && sum.bad != nil {
		err = fmt.Errorf("%s: %w", db.path, sum.bad)
	}
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Format: db.Format(), Entries: sum.n}
	if sum.n > 0 {
		s.First, s.Last = sum.first.time(), sum.last.time()
		s.Resolution = resolution(sum.decimals)
	}
	return s, nil
}

// A tally is a summary in the making.
type tally struct {
	n           int
	first, last instant
	decimals    int
	bad         error // the first value that is no time
}

func (t *tally) add(e Entry) bool {
	sec, nsec, decimals, err := parseTime(e.Value)
	if err != nil {
		if t.bad == nil {
			t.bad = fmt.Errorf("key %s: %w", quote(e.Key), err)
		}
		return true // damage or a change of the file explains it better
	}
	at := instant{sec, nsec}
	if t.n == 0 || at.before(t.first) {
		t.first = at
	}
	if t.n == 0 || t.last.before(at) {
		t.last = at
	}
	t.decimals = max(t.decimals, decimals)
	t.n++
	return true
}

// resolution is the step of a clock whose times have that many decimals.
func resolution(decimals int) time.Duration {
	if decimals == 1 {
		decimals = 2
	}
	d := time.Second
	for range decimals {
		d /= 10
	}
	return d
}

// An instant is a Unix time in two parts: comparing these is faster than
// comparing times.
type instant struct{ sec, nsec int64 }

func (a instant) before(b instant) bool {
	return a.sec < b.sec || a.sec == b.sec && a.nsec < b.nsec
}

func (a instant) time() time.Time { return time.Unix(a.sec, a.nsec).UTC() }
