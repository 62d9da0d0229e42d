package campaign

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"cometbench/results"
)

// dropTwice leaves one of runs that more than one tree holds, and refuses those
// that should be one run and differ: of one cell, begun at the same instant, or
// with the same first and last event in the broker's database.
func (m *merging) dropTwice() error {
	type key struct {
		cell, what, first, last string
	}
	seen := make(map[key]*found)
	var left []*found
	for _, f := range m.runs {
		began := f.Run.Started.UTC().String()
		keys := []key{{f.cell(), "begun", began, ""}}
		if d := f.Run.Broker; f.Run.Void == "" && d.Entries > 1 {
			keys = append(keys, key{f.cell(), "events", d.First.UTC().String(), d.Last.UTC().String()})
		}
		var same *found
		for _, k := range keys {
			if same == nil {
				same = seen[k]
			}
		}
		if same != nil {
			switch d, err := f.difference(same); {
			case err != nil:
				return err
			case d != "":
				return fmt.Errorf("%s and %s should be the same run, and differ: %s", f.dir(), same.dir(), d)
			}
			m.Twice++
			continue
		}
		for _, k := range keys {
			seen[k] = f
		}
		left = append(left, f)
	}
	m.runs = left
	return nil
}

// difference says in which file two runs differ, "" if in none. What a merge
// changes in run.json (the group, the number, the service time) doesn't count.
func (f *found) difference(other *found) (string, error) {
	a, b := *f.Run, *other.Run
	for _, r := range []*results.Run{&a, &b} {
		r.Number, r.Service, r.Cell.Broker = 0, 0, baseLabel(r.Cell.Broker)
	}
	if !reflect.DeepEqual(a, b) {
		return results.RunFile, nil
	}
	mine, err := os.ReadDir(f.dir())
	if err != nil {
		return "", err
	}
	theirs, err := os.ReadDir(other.dir())
	if err != nil {
		return "", err
	}
	name := func(e os.DirEntry) string { return e.Name() }
	if !slices.EqualFunc(mine, theirs, func(a, b os.DirEntry) bool { return name(a) == name(b) }) {
		return "their lists of files", nil
	}
	for _, e := range mine {
		if e.Name() == results.RunFile {
			continue
		}
		a, err := os.ReadFile(filepath.Join(f.dir(), e.Name()))
		if err != nil {
			return "", err
		}
		b, err := os.ReadFile(filepath.Join(other.dir(), e.Name()))
		if err != nil {
			return "", err
		}
		if !bytes.Equal(a, b) {
			return e.Name(), nil
		}
	}
	return "", nil
}
