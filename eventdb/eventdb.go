// Package eventdb reads the event databases that Comet brokers keep, and
// writes one kind of them.
//
// An event database maps the SHA-1 of each event's bytes (40 hex digits) to
// the time at which the event was received. The format is whatever Python's
// anydbm or dbm chose on that machine: Berkeley DB hash (Python 2, and ndbm on
// Debian), GDBM, dumb (.dir and .dat), or SQLite (Python 3.13). [Open] knows the
// format by the file's bytes. A database is read whole or is an error: one that
// is damaged, or is written to meanwhile ([ErrChanged]), is never counted short.
//
//	db, err := eventdb.Open("/var/lib/comet/comet.broker_test")
//	...
//	defer db.Close()
//	for entry, err := range db.Entries(ctx) {
//		...
//	}
//
// Files are read through buffers of fixed size, those of Berkeley DB and GDBM
// once. Besides its buffers
//
//   - Berkeley DB needs a bit of memory per page of the file, and 8 bytes per
//     entry of a bucket while it reads one of several pages;
//   - dumb, whose index is a log in which the last line of a key counts, needs a
//     bit per block, 8 to 16 bytes per line, and the keys that have several
//     lines; it reads the index two or three times;
//   - SQLite needs some 40 bytes per page in its log; the database is read once
//     to check it, and once for its entries.
package eventdb

import (
	"context"
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
	// walk calls yield for every entry, in the order of the file, until yield
	// returns false; then it returns errStop. The entry is valid during the call.
	// Whatever keeps walk from reading all entries is an error.
	walk(yield func(Entry) bool) error
	// unchanged returns an error if the database isn't as it was opened, or is
	// being written to, where the times of its files don't show it.
	unchanged() error
	// files returns the database's files, which the reader owns.
	files() []*file
	// format names the format, such as "GDBM (64-bit, little-endian)".
	format() string
}

// errStop ends a walk whose caller has had enough.
var errStop = errors.New("stop")

// A DB is an open event database. Its methods must not be called from several
// goroutines at once.
type DB struct {
	path   string // what Open was given, or the file that it found there
	reader reader
	closed func() error // removes what was copied; may be nil
}

// Format names the database's format, for people.
func (db *DB) Format() string { return db.reader.format() }

// Entries yields every entry, in the order in which the file holds them. An
// entry's bytes are valid until the next one. The last pair may hold an error,
// such as the cause for which ctx is done; then the entries before it are not
// all there are.
func (db *DB) Entries(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		err := db.read(ctx, func(e Entry) bool { return yield(e, nil) })
		if err != nil && !errors.Is(err, errStop) {
			yield(Entry{}, err)
		}
	}
}

// read walks through the database, and returns an error if it changed
// meanwhile. A change explains an error better than the damage that it looks
// like.
func (db *DB) read(ctx context.Context, yield func(Entry) bool) error {
	files := db.reader.files()
	for _, f := range files {
		f.ctx = ctx
		if err := f.settle(); err != nil {
			return err
		}
	}
	if err := db.reader.unchanged(); err != nil {
		return err
	}
	err := db.reader.walk(yield)
	if errors.Is(err, errStop) {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, f := range files {
		if err := f.unchanged(); err != nil {
			return err
		}
	}
	if err := db.reader.unchanged(); err != nil {
		return err
	}
	return err
}

// Close closes the database's files, and removes the copies that [OpenTar] made.
func (db *DB) Close() error {
	var err error
	for _, f := range db.reader.files() {
		err = errors.Join(err, f.Close())
	}
	if db.closed != nil {
		err = errors.Join(err, db.closed())
	}
	if err != nil {
		return fmt.Errorf("close event database: %w", err)
	}
	return nil
}
