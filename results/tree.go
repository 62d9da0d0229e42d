package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"cometbench/eventdb"
)

// The files of a run in a tree. The databases keep the names that the original
// experiment gave them; the files of a database of several files (.dat and
// .dir, -wal) are named after it.
const (
	LogFile        = "author.log"
	BrokerFile     = "broker.db"
	SubscriberFile = "subscriber.db"
	RunFile        = "run.json"
	SidecarFile    = "events.csv.gz"  // what became of each event
	LatenciesFile  = "latencies.hlog" // HDR histograms
)

// PlanFile is the file in a tree's top folder that says which runs are planned,
// where those are shards of a campaign.
const PlanFile = "plan.json"

// stagingPrefix begins the names of the hidden folders, in the tree's top
// folder, in which runs are gathered, and of their lock files.
const stagingPrefix = ".staging-"

// Tree is a tree of runs: Dir/BROKER/100ms/64c/run7. A run is in it whole or
// not at all. Several processes may add to one tree.
type Tree struct {
	Dir string
}

// Staging is the hidden folder of a tree in which one run is gathered: on the
// same file system, so that adding it to the tree is one rename.
type Staging struct {
	// Dir is where the run's files are put.
	Dir  string
	tree Tree
	lock *lock
}

// Stage makes a folder to gather a run in, and the tree itself if it isn't
// there. Folders that dead processes left are removed. The caller calls
// [Staging.Discard] in the end, whether or not the run was committed.
func (t Tree) Stage() (*Staging, error) {
	if err := makeFolder(t.Dir); err != nil {
		return nil, t.explain(err)
	}
	if err := t.sweep(); err != nil {
		return nil, t.explain(err)
	}
	for {
		l, err := newLock(t.Dir)
		if errors.Is(err, errLost) {
			continue // a sweep of another process was faster
		}
		if err != nil {
			return nil, t.explain(err)
		}
		dir := strings.TrimSuffix(l.path, lockSuffix)
		if err := os.Mkdir(dir, 0o777); err != nil {
			return nil, errors.Join(t.explain(err), l.release())
		}
		return &Staging{Dir: dir, tree: t, lock: l}, nil
	}
}

// Check reports whether runs can be added to the tree, by staging one and
// discarding it: for an error before a long matrix starts, not after.
func (t Tree) Check() error {
	s, err := t.Stage()
	if err != nil {
		return err
	}
	return s.Discard()
}

// explain wraps an error with what to do about it.
func (t Tree) explain(err error) error {
	hint := ""
	switch {
	case IsFull(err):
		hint = " (the file system is full: make space, or choose another folder with -results)"
	case errors.Is(err, fs.ErrPermission) || isReadOnly(err):
		hint = " (choose a folder that can be written to with -results)"
	}
	return fmt.Errorf("results folder %s: %w%s", t.Dir, err, hint)
}

// Commit adds the run to the tree, with the files that are in the staging
// folder and run.json, and sets the run's Number. It returns the run's path
// below the tree's folder, slash-separated. Everything is on disk, or the tree
// is as it was.
//
// A run needs its log and both databases. A void run (its Void is the reason)
// needs nothing: whatever was gathered is kept beside run.json as evidence, in
// a folder void1, void2 and so on of the same cell. Its Number counts void runs
// only.
func (s *Staging) Commit(run *Run) (string, error) {
	prefix := voidPrefix
	if run.Void == "" {
		prefix = runPrefix
		_, err := os.Stat(filepath.Join(s.Dir, LogFile))
		for _, name := range []string{BrokerFile, SubscriberFile} {
			if err == nil {
				_, err = eventdb.Find(filepath.Join(s.Dir, name))
			}
		}
		if err != nil {
			return "", fmt.Errorf("%s: %w", run.Cell, err)
		}
	}
	cell := filepath.Join(s.tree.Dir, filepath.FromSlash(run.Cell.Dir()))
	if err := os.MkdirAll(cell, 0o777); err != nil {
		return "", s.tree.explain(err)
	}
	if err := syncFiles(s.Dir); err != nil {
		return "", s.tree.explain(err)
	}
	for {
		last, err := lastRun(cell, prefix)
		if err != nil {
			return "", s.tree.explain(err)
		}
		run.Number = last + 1
		if err := writeRun(filepath.Join(s.Dir, RunFile), run); err != nil {
			return "", s.tree.explain(err)
		}
		name := prefix + strconv.Itoa(run.Number)
		if err := syncDir(s.Dir); err != nil {
			return "", s.tree.explain(err)
		}
		// A run's folder is never empty, so that renaming can't replace one.
		err = os.Rename(s.Dir, filepath.Join(cell, name))
		if err != nil {
			if _, e := os.Lstat(filepath.Join(cell, name)); e == nil {
				continue // another process took the number
			}
			return "", s.tree.explain(err)
		}
		for dir := cell; ; dir = filepath.Dir(dir) {
			if err := syncDir(dir); err != nil {
				return "", s.tree.explain(err)
			}
			if dir == filepath.Clean(s.tree.Dir) || dir == filepath.Dir(dir) {
				break
			}
		}
		return path.Join(run.Cell.Dir(), name), nil
	}
}

// Discard removes what is left of the staging folder: everything if the run
// wasn't committed. It is right to call it at any time, also twice.
func (s *Staging) Discard() error {
	if s == nil || s.lock == nil {
		return nil
	}
	err := os.RemoveAll(s.Dir)
	err = errors.Join(err, s.lock.release())
	s.lock = nil
	if err != nil {
		return s.tree.explain(err)
	}
	return nil
}

// sweep removes the staging folders of processes that have ended.
func (t Tree) sweep() error {
	entries, err := os.ReadDir(t.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), lockSuffix)
		if !ok || !strings.HasPrefix(name, stagingPrefix) {
			continue
		}
		l, err := takeLock(filepath.Join(t.Dir, e.Name()))
		if errors.Is(err, errLost) {
			continue // its owner lives, or is just removing it
		}
		if err != nil {
			return err
		}
		if err := errors.Join(os.RemoveAll(filepath.Join(t.Dir, name)), l.release()); err != nil {
			return err
		}
	}
	return nil
}

// The names of runs' folders, before their numbers.
const (
	runPrefix  = "run"
	voidPrefix = "void"
)

// parseRun reads the name of a run's folder, "run7" or "void7". Ours count from
// 1; the original experiment's may begin with run0.
func parseRun(name, prefix string) (number int, ok bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || strconv.Itoa(n) != digits {
		return 0, false
	}
	return n, true
}

// lastRun returns the greatest number of the runs in a cell's folder whose
// names have the prefix.
func lastRun(cell, prefix string) (int, error) {
	entries, err := os.ReadDir(cell)
	if err != nil {
		return 0, err
	}
	last := 0
	for _, e := range entries {
		if n, ok := parseRun(e.Name(), prefix); ok {
			last = max(last, n)
		}
	}
	return last, nil
}

func writeRun(name string, run *Run) (err error) {
	text, err := json.MarshalIndent(run, "", "\t")
	if err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(append(text, '\n')); err != nil {
		return err
	}
	return f.Sync()
}

// makeFolder makes a folder where there is none, and those above it, so that they
// outlive a power cut.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	above := filepath.Dir(filepath.Clean(dir))
	if above != dir {
		if err := makeFolder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(above)
}

// syncFiles brings the files of a folder, and the folder, to the disk.
func syncFiles(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := syncFile(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
