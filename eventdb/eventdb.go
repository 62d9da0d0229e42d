// Package eventdb reads the event databases that Comet brokers keep, and
// writes one kind of them.
//
// An event database maps the SHA-1 of each event's bytes (40 hex digits) to
// the time at which the event was received. The format is whatever Python's
// anydbm or dbm chose on that machine: Berkeley DB hash (Python 2, and ndbm on
// Debian), GDBM, dumb (.dir and .dat), or SQLite (Python 3.13). [Open] tells
// them apart by their bytes. A database is read whole or is an error: what is
// damaged, or is written to meanwhile ([ErrChanged]), is never counted short.
//
//	db, err := eventdb.Open("/var/lib/comet/comet.broker_test")
//	...
//	defer db.Close()
//	for entry, err := range db.Entries() {
//		...
//	}
//
// Files are read through buffers of fixed size, those of Berkeley DB and GDBM
// once, for a [DB.Summary] by up to four goroutines. Besides its buffers
//
//   - Berkeley DB needs a bit of memory for each page of the file, and 8 bytes
//     for each entry of a bucket while it reads one of several pages;
//   - dumb, whose index is a log in which the last line of a key counts, a bit
//     for each block and 8 to 16 bytes for each line, and the keys that have
//     several lines; it reads the index two or three times;
//   - SQLite some 40 bytes for each page in its log; the database is read once
//     to check it, and once for its entries.
package eventdb

import (
	"errors"
	"fmt"
	"iter"
	"time"
)

// An Entry is one event in a database.
type Entry struct {
	Key   []byte // as stored: the SHA-1 of the event in 40 hex digits
	Value []byte // as stored: the time received, see [ParseTime]
}

// Time returns the time at which the event was received.
func (e Entry) Time() (time.Time, error) { return ParseTime(e.Value) }

// A reader reads a database in one format.
type reader interface {
	// each calls a yield for every entry, in no particular order, until it
	// returns false. The entry is valid during the call. Whatever keeps each
	// from reading all entries is an error. Of several yields some formats call
	// each from a goroutine of its own, the others only the first.
	each(yields ...func(Entry) bool) error
	// format names the format, such as "gdbm (64-bit, little-endian)".
	format() string
	Close() error
}

// A DB is an open event database. Its methods must not be called from several
// goroutines at once.
type DB struct {
	path   string
	reader reader
	closed func() error // what else is to be given back; may be nil
}

// Format names the database's format, for people.
func (db *DB) Format() string { return db.reader.format() }

// Path returns the path of the database's file: what Open was given, or the
// file it found there. Of a database in an archive it is the path of the copy.
func (db *DB) Path() string { return db.path }

// Entries yields every entry, in the order in which the file holds them. An
// entry's bytes are valid until the next one. The last pair may hold an error;
// then the entries before it are not all there are.
func (db *DB) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		stopped := false
		err := db.reader.each(func(e Entry) bool {
			stopped = !yield(e, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(Entry{}, err)
		}
	}
}

// Close closes the database's files and removes what was spooled.
func (db *DB) Close() error {
	err := db.reader.Close()
	if db.closed != nil {
		err = errors.Join(err, db.closed())
	}
	if err != nil {
		return fmt.Errorf("close event database: %w", err)
	}
	return nil
}
