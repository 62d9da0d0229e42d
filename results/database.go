package results

import (
	"context"
	"errors"

	"cometbench/eventdb"
)

// ReadDatabase reads the summary of the event database at path, named as
// eventdb.Find takes it, until ctx is done.
func ReadDatabase(ctx context.Context, path string) (d Database, err error) {
	db, err := eventdb.Open(path)
	if err != nil {
		return Database{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := db.Summary(ctx)
	if err != nil {
		return Database{}, err
	}
	return DatabaseOf(s), nil
}

// DatabaseOf returns a summary as runs keep it.
func DatabaseOf(s eventdb.Summary) Database {
	return Database{Entries: s.Entries, Format: s.Format, First: s.First, Last: s.Last, Resolution: s.Resolution}
}
