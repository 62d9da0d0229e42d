package eventdb

import (
	"errors"
	"fmt"
)

// ErrChanged is in the chain of every error for a database that was written
// to while it was read, so that no count of it can be trusted. It can be read
// once its writer is quiet.
var ErrChanged = errors.New("the file changed while it was read")

// ErrUnknown is in the chain of the error for a file that is no event database
// in any format this package reads.
var ErrUnknown = errors.New("no event database that this package reads")

// MaxItem is the longest key or value, in bytes, that this package reads. An
// event database holds 40-byte keys and values of some twenty bytes. A longer
// length is taken for damage, before memory is allocated for it (of SQLite's rows,
// before memory is allocated for more than twice that). A line of a dumb index may
// have 1 MiB.
const MaxItem = 16 << 20

// A CorruptError is a place where a database isn't what its format prescribes. A
// database with such a place is refused in whole: its other entries may be
// sound, but their number can't be known.
type CorruptError struct {
	File   string // the file's path, or its name in an archive
	Offset int64  // in bytes from the file's start; -1 if the place isn't known
	Page   int64  // the page, for formats that have pages; else -1
	Want   string // what the format prescribes there
	Got    string // what is there
}

// Error names the file, the place, what is there and what should be.
func (e *CorruptError) Error() string {
	place := ""
	if e.Page >= 0 {
		place += fmt.Sprintf(" page %d", e.Page)
	}
	if e.Offset >= 0 {
		place += fmt.Sprintf(" offset %d", e.Offset)
	}
	if place != "" {
		place += ":"
	}
	return fmt.Sprintf("%s:%s got %s, want %s", e.File, place, e.Got, e.Want)
}

// changed returns the error for a file that changed, and how.
func changed(path, how string) error {
	return fmt.Errorf("%s: %w (%s): read it again when its writer is quiet", path, ErrChanged, how)
}
