package eventdb

import (
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

// Seconds returns the time from the first event to the last.
func (s Summary) Seconds() float64 { return s.Last.Sub(s.First).Seconds() }

// Summary reads the database in one pass. A value that is no time is an error.
func (db *DB) Summary() (Summary, error) {
	var (
		n           int
		first, last instant
		decimals    = 0
		bad         error
	)
	err := db.reader.each(func(e Entry) bool {
		sec, nsec, digits, err := parseTime(e.Value)
		if err != nil {
			if bad == nil {
				bad = fmt.Errorf("%s: key %s: %w", db.path, quote(e.Key), err)
			}
			return true // damage or a change of the file explains it better
		}
		t := instant{sec, nsec}
		if n == 0 || t.before(first) {
			first = t
		}
		if n == 0 || last.before(t) {
			last = t
		}
		decimals = max(decimals, digits)
		n++
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Format: db.Format(), Entries: n}
	if n > 0 {
		s.First, s.Last = first.time(), last.time()
		s.Resolution = resolution(decimals)
	}
	return s, nil
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
