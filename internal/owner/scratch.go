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
	var found []string
	for _, parent := range ScratchParents() {
		dirs, err := filepath.Glob(filepath.Join(parent, ScratchPrefix+"*"))
		if err != nil {
			return err
		}
		found = append(found, dirs...)
	}
	var errs []error
	for _, dir := range found {
		name := strings.TrimPrefix(filepath.Base(dir), ScratchPrefix)
		word, _, _ := cutLast(name, "-")
		o, err := ParseWord(word)
		if err != nil || !o.Gone(here) {
			continue // not ours to judge
		}
		if err := os.RemoveAll(dir); err != nil && !errors.Is(err, os.ErrPermission) {
			errs = append(errs, fmt.Errorf("remove what an earlier run left: %w", err))
		}
	}
	return errors.Join(errs...)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
