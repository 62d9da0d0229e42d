package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cometbench/eventdb"
)

// measured are the names that Comet gives to the database of the author whose
// events are measured, ivo://comet.broker/test: releases 1 and 2, and 3.
var measured = [...]string{"comet.broker_test", "_test"}

// measuredIn returns the path, as a Comet names it, of the measured database
// in a folder of event databases.
func measuredIn(dir string) (string, error) {
	for _, name := range measured {
		if exists(dir, name) {
			return filepath.Join(dir, name), nil
		}
	}
	return "", fmt.Errorf("no event database named %s", strings.Join(measured[:], " or "))
}

// exists reports whether a database of that name is in dir, under whatever
// endings its format adds.
func exists(dir, name string) bool {
	for _, ending := range []string{"", ".db", ".dir"} {
		if _, err := os.Stat(filepath.Join(dir, name+ending)); err == nil {
			return true
		}
	}
	return false
}

func summarise(dir string) (eventdb.Summary, error) {
	path, err := measuredIn(dir)
	if err != nil {
		return eventdb.Summary{}, err
	}
	db, err := eventdb.Open(path)
	if err != nil {
		return eventdb.Summary{}, err
	}
	s, err := db.Summary()
	return s, errors.Join(err, db.Close())
}

// keepDatabase copies the measured database of dir to the path to, with the
// further files of its format (.dat and .dir, -wal) beside it.
func keepDatabase(dir, to string) error {
	path, err := measuredIn(dir)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(path + "*")
	if err != nil {
		return err
	}
	for _, file := range files {
		ending := strings.TrimPrefix(file, path)
		if ending == ".db" {
			ending = ""
		}
		if strings.HasSuffix(ending, "-shm") {
			continue // an index of the -wal, made anew by whoever opens it
		}
		if err := copyFile(file, to+ending); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return writeFile(to, in)
}
