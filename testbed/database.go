package testbed

import (
	"context"
	"errors"
	"os"

	"cometbench/author"
	"cometbench/eventdb"
)

func summarise(ctx context.Context, dir string) (eventdb.Summary, error) {
	path, err := eventdb.PathOf(dir, author.DefaultFrom)
	if err != nil {
		return eventdb.Summary{}, err
	}
	db, err := eventdb.Open(path)
	if err != nil {
		return eventdb.Summary{}, err
	}
	s, err := db.Summary(ctx)
	return s, errors.Join(err, db.Close())
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return writeFile(to, in)
}
