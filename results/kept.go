package results

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Kept returns the whole runs that are in the tree, by the folder of their cell
// ([matrix.Cell.Dir]) and in the order of their numbers: none where the tree isn't
// there yet. Void runs, and what isn't part of a tree, are passed over. A run
// that can't be read, or has a stale database, is an error that names it.
func (t Tree) Kept(ctx context.Context) (map[string][]Found, error) {
	kept := make(map[string][]Found)
	if _, err := os.Stat(t.Dir); errors.Is(err, fs.ErrNotExist) {
		return kept, nil
	}
	for found, err := range Scan(ctx, t.Dir) {
		switch {
		case errors.Is(err, ErrForeign):
		case err != nil:
			return nil, err
		case found.Run.Void != "":
		case found.stale() != "":
			return nil, fmt.Errorf("%s: %s", t.Dir, found.stale())
		default:
			dir := found.Run.Cell.Dir()
			kept[dir] = append(kept[dir], found)
		}
	}
	return kept, nil
}

// File returns where the run's folder is.
func (t Tree) File(f Found) string { return filepath.Join(t.Dir, filepath.FromSlash(f.Path)) }

// Difference says in which setting two runs of one cell differ, with both values:
// "events: 20, not 40". It is "" where they were made alike, so that one mean
// may hold them.
func (r *Run) Difference(from *Run) string {
	theirs := make(map[string]string)
	for _, c := range from.settings() {
		theirs[c.Key] = c.Value
	}
	for _, c := range r.settings() {
		if value := theirs[c.Key]; value != c.Value {
			return fmt.Sprintf("%s: %s, not %s", c.Key, quoteNone(c.Value), quoteNone(value))
		}
	}
	if r.Cell != from.Cell {
		return fmt.Sprintf("cell: %+v, not %+v", r.Cell, from.Cell)
	}
	return ""
}

// settings are what two runs of one cell must have in common: the configuration
// that the benchmark prints, and what it was made by.
func (r *Run) settings() []ConfigLine {
	var list []ConfigLine
	for _, k := range configKeys() {
		list = append(list, ConfigLine{k.name, k.of(r)})
	}
	commit := strings.TrimSuffix(r.Program.Commit, "+changes") // even a new tree of results is a change
	return append(list,
		ConfigLine{"goos", r.Machine.OS},
		ConfigLine{"goarch", r.Machine.Arch},
		ConfigLine{"gomaxprocs", strconv.Itoa(r.Machine.Procs)},
		ConfigLine{"software", r.Software.String()},
		ConfigLine{"image", r.Software.Image},
		ConfigLine{"cometbench", strings.TrimSpace(r.Program.Version + " " + commit)},
	)
}

// quoteNone writes a value so that none at all can be seen.
func quoteNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}
