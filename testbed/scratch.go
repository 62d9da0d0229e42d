package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const scratchPrefix = "cometbench-"

// memory returns a folder whose files lie in memory, as the original
// experiment's did, where this system has one: a disk in the path changes the
// result.
func memory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return os.TempDir()
}

// scratchParents are the folders that scratch folders are made in: one in
// memory for the files of runs, and the usual one for our command, as memory
// may be mounted so that nothing can be executed from it.
func scratchParents() []string { return []string{memory(), os.TempDir()} }

// makeScratch makes a folder of this process. Its name holds the owner.
func makeScratch(parent string, o owner) (string, error) {
	return os.MkdirTemp(parent, scratchPrefix+o.word()+"-")
}

// isScratch reports whether a folder is one that makeScratch makes.
func isScratch(dir string) bool {
	return strings.HasPrefix(filepath.Base(dir), scratchPrefix) &&
		slices.Contains(scratchParents(), filepath.Dir(filepath.Clean(dir)))
}

// sweepScratch removes the folders of processes that are gone.
func sweepScratch(here owner) error {
	var found []string
	for _, parent := range scratchParents() {
		dirs, err := filepath.Glob(filepath.Join(parent, scratchPrefix+"*"))
		if err != nil {
			return err
		}
		found = append(found, dirs...)
	}
	var errs []error
	for _, dir := range found {
		name := strings.TrimPrefix(filepath.Base(dir), scratchPrefix)
		word, _, _ := cutLast(name, "-")
		o, err := parseWord(word)
		if err != nil || !o.gone(here) {
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
