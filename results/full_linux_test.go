package results

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cometbench/eventdb"
	"cometbench/internal/require"
)

// mount mounts a small tmpfs, which is unmounted after the test.
func mount(t *testing.T, options string) string {
	t.Helper()
	require.Root(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		require.Missing(t, "root", "can't mount a tmpfs: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// A full disk is said to be one, leaves no half run, and the runs before it
// are whole.
func TestFullDisk(t *testing.T) {
	dir := mount(t, "size=128k")
	tree := Tree{dir}
	database := filepath.Join(t.TempDir(), "_test")
	if err := os.WriteFile(database, make([]byte, 24<<10), 0o666); err != nil {
		t.Fatal(err)
	}
	var err error
	runs := 0
	for runs < 10 && err == nil {
		err = func() (err error) {
			s, err := tree.Stage()
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Discard()) }()
			if err := os.WriteFile(filepath.Join(s.Dir, LogFile), []byte("log"), 0o666); err != nil {
				return err
			}
			if err := errors.Join(
				eventdb.Copy(filepath.Join(s.Dir, BrokerFile), database),
				eventdb.Copy(filepath.Join(s.Dir, SubscriberFile), database),
			); err != nil {
				return tree.explain(err)
			}
			_, err = s.Commit(&Run{Cell: cell})
			return err
		}()
		if err == nil {
			runs++
		}
	}
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "the file system is full") {
		t.Errorf("after %d runs: %v", runs, err)
	}
	if runs == 0 {
		t.Error("not one run was kept")
	}
	if files := list(t, dir); len(files) != 4*runs {
		t.Errorf("%d runs, but the tree holds %q", runs, files)
	}
}

func TestReadOnly(t *testing.T) {
	dir := mount(t, "ro")
	if err := (Tree{dir}).Check(); !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), dir) ||
		!strings.Contains(err.Error(), "choose a folder") {
		t.Errorf("Check = %v", err)
	}
	if err := (Tree{filepath.Join(dir, "new")}).Check(); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Check = %v", err)
	}
}

func TestNotAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := (Tree{file}).Check(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("Check = %v", err)
	}
	if err := (Tree{t.TempDir()}).Check(); err != nil {
		t.Errorf("Check = %v", err)
	}
	if os.Geteuid() != 0 {
		dir := filepath.Join(t.TempDir(), "locked")
		if err := os.Mkdir(dir, 0o555); err != nil {
			t.Fatal(err)
		}
		if err := (Tree{dir}).Check(); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Check = %v", err)
		}
	}
}
