package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cometbench/matrix"
)

// stage fills a staging folder of the tree with small files that look like a
// run's.
func stage(t *testing.T, tree Tree) *Staging {
	t.Helper()
	s, err := tree.Stage()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Discard(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{LogFile, BrokerFile, SubscriberFile, SidecarFile} {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// list returns the files of a folder and those below it.
func list(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var cell = matrix.Cell{Broker: "embedded", Latency: 100 * time.Millisecond, Conns: 64, Events: 200}

func TestCommit(t *testing.T) {
	tree := Tree{filepath.Join(t.TempDir(), "new", "results")}
	for n := 1; n <= 3; n++ {
		s := stage(t, tree)
		run := &Run{Cell: cell}
		path, err := s.Commit(run)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("embedded/100ms/64c/run%d", n); path != want || run.Number != n {
			t.Errorf("Commit = %q, number %d, want %q", path, run.Number, want)
		}
		if err := s.Discard(); err != nil {
			t.Fatal(err)
		}
		stored, err := readRun(filepath.Join(tree.Dir, path, RunFile))
		if err != nil || stored.Number != n || stored.Cell != cell {
			t.Errorf("run.json holds %+v, %v", stored, err)
		}
	}
	// Numbers go on behind the greatest, also where some are gone.
	if err := os.RemoveAll(filepath.Join(tree.Dir, "embedded/100ms/64c/run2")); err != nil {
		t.Fatal(err)
	}
	path, err := stage(t, tree).Commit(&Run{Cell: cell})
	if err != nil || path != "embedded/100ms/64c/run4" {
		t.Errorf("Commit = %q, %v, want run4", path, err)
	}
	want := []string{}
	for _, n := range []int{1, 3, 4} {
		for _, name := range []string{LogFile, BrokerFile, SidecarFile, RunFile, SubscriberFile} {
			want = append(want, fmt.Sprintf("embedded/100ms/64c/run%d/%s", n, name))
		}
	}
	got := list(t, tree.Dir)
	// The last folder isn't discarded yet.
	got = slices.DeleteFunc(got, func(s string) bool { return strings.HasSuffix(s, lockSuffix) })
	if !slices.Equal(got, want) {
		t.Errorf("the tree holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCommitRefuses(t *testing.T) {
	tree := Tree{t.TempDir()}
	s := stage(t, tree)
	if err := os.Remove(filepath.Join(s.Dir, SubscriberFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(&Run{Cell: cell}); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), SubscriberFile) {
		t.Errorf("Commit without %s: %v", SubscriberFile, err)
	}
	for range 2 {
		if err := s.Discard(); err != nil {
			t.Error(err)
		}
	}
	if left := list(t, tree.Dir); len(left) > 0 {
		t.Errorf("%q left behind", left)
	}
}

// Of a void run the tree keeps the reason, and what files there are. It isn't
// counted among the runs with figures.
func TestCommitVoid(t *testing.T) {
	tree := Tree{t.TempDir()}
	started := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	for i, want := range []string{"run1", "void1", "void2", "run2"} {
		s := stage(t, tree)
		run := &Run{Cell: cell, Started: started}
		if strings.HasPrefix(want, "void") {
			run.Void = fmt.Sprintf("reason %d", i)
			if err := os.Remove(filepath.Join(s.Dir, SubscriberFile)); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.Commit(run); err != nil || got != cell.Dir()+"/"+want {
			t.Errorf("Commit = %q, %v, want %s", got, err, want)
		}
		if err := s.Discard(); err != nil {
			t.Error(err)
		}
	}
	name := cell.Dir() + "/void2"
	if err := os.WriteFile(filepath.Join(tree.Dir, cell.Dir(), "void1", RunFile), []byte("{}"), 0o666); err != nil {
		t.Fatal(err)
	}
	var void []*Run
	for found, err := range Scan(t.Context(), tree.Dir) {
		switch {
		case err == nil && found.Run.Void != "":
			void = append(void, found.Run)
			if found.Path != name {
				t.Errorf("a void run at %s, want %s", found.Path, name)
			}
		case err != nil && strings.Contains(err.Error(), "void1") && !strings.Contains(err.Error(), "want the reason"):
			t.Errorf("a void run without a reason: %v", err)
		}
	}
	if len(void) != 1 || void[0].Void != "reason 2" || void[0].Number != 2 {
		t.Errorf("void runs %+v, want void2", void)
	}
}

// Two processes that add to one cell never take each other's number. flock is
// between open files, so goroutines stand for processes here.
func TestCommitRace(t *testing.T) {
	tree := Tree{t.TempDir()}
	const writers, each = 8, 5
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				s, err := tree.Stage()
				if err != nil {
					t.Error(err)
					return
				}
				for _, name := range []string{LogFile, BrokerFile, SubscriberFile} {
					if err := os.WriteFile(filepath.Join(s.Dir, name), nil, 0o666); err != nil {
						t.Error(err)
					}
				}
				if _, err := s.Commit(&Run{Cell: cell}); err != nil {
					t.Error(err)
				}
				if err := s.Discard(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(filepath.Join(tree.Dir, cell.Dir()))
	if err != nil {
		t.Fatal(err)
	}
	last, err := lastRun(filepath.Join(tree.Dir, cell.Dir()), runPrefix)
	if err != nil || len(entries) != writers*each || last != writers*each {
		t.Errorf("%d runs up to %d, %v, want %d", len(entries), last, err, writers*each)
	}
	for n := 1; n <= last; n++ {
		run, err := readRun(filepath.Join(tree.Dir, cell.Dir(), fmt.Sprint("run", n), RunFile))
		if err != nil || run == nil || run.Number != n {
			t.Errorf("run %d: %+v, %v", n, run, err)
		}
	}
}

func TestSweep(t *testing.T) {
	tree := Tree{t.TempDir()}
	living, dead := stage(t, tree), stage(t, tree)
	// The end of a process closes its files, and nothing else.
	if err := dead.lock.f.Close(); err != nil {
		t.Fatal(err)
	}
	if !canLock {
		t.Skip("this system has no flock: nothing is swept")
	}
	if err := tree.Check(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the dead process's folder: %v", err)
	}
	if _, err := os.Stat(living.Dir); err != nil {
		t.Errorf("the living process's folder: %v", err)
	}
	dead.lock = nil
}
