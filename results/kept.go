package results

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
