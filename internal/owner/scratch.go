package owner

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const ScratchPrefix = "cometbench-"

// Memory returns a folder whose files lie in memory, as the original
// experiment's did, where this system has one: a disk in the path changes the
// result.
func Memory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return os.TempDir()
}

// ScratchParents are the folders that scratch folders are made in: one in
// memory for the files of runs, and the usual one for our command, as memory
// may be mounted so that nothing can be executed from it.
func ScratchParents() []string { return []string{Memory(), os.TempDir()} }

// MakeScratch makes a folder of this process. Its name holds the owner.
func MakeScratch(parent string, o Owner) (string, error) {
	return os.MkdirTemp(parent, ScratchPrefix+o.Word()+"-")
}

// IsScratch reports whether a folder is one that MakeScratch makes.
func IsScratch(dir string) bool {
	return strings.HasPrefix(filepath.Base(dir), ScratchPrefix) &&
		slices.Contains(ScratchParents(), filepath.Dir(filepath.Clean(dir)))
}

// SweepScratch removes the folders of processes that are gone.
func SweepScratch(here Owner) error {
	found, err := scratchFolders()
	if err != nil {
		return err
	}
	var errs []error
	for dir, o := range found {
		if !o.Gone(here) {
			continue
		}
		if err := os.RemoveAll(dir); err != nil && !errors.Is(err, os.ErrPermission) {
			errs = append(errs, fmt.Errorf("remove what an earlier run left: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Others returns the other processes that have folders here and aren't gone:
// benchmarks that run at the same time.
func Others(here Owner) ([]Owner, error) {
	found, err := scratchFolders()
	if err != nil {
		return nil, err
	}
	var others []Owner
	for _, o := range found {
		if o != here && !o.Gone(here) && !slices.Contains(others, o) {
			others = append(others, o)
		}
	}
	return others, nil
}

// scratchFolders returns the folders that MakeScratch has made on this machine,
// with their owners.
func scratchFolders() (map[string]Owner, error) {
	found := make(map[string]Owner)
	for _, parent := range ScratchParents() {
		dirs, err := filepath.Glob(filepath.Join(parent, ScratchPrefix+"*"))
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			name := strings.TrimPrefix(filepath.Base(dir), ScratchPrefix)
			word, _, _ := cutLast(name, "-")
			if o, err := ParseWord(word); err == nil { // else not ours to judge
				found[dir] = o
			}
		}
	}
	return found, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
