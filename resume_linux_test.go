package cometbench

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cometbench/internal/require"
)

// TestResumeFullDisk fills the disk in the middle: the benchmark says so and ends
// without trying what it can't keep, and goes on when there is space again.
func TestResumeFullDisk(t *testing.T) {
	t.Chdir(t.TempDir()) // a commit in this folder meanwhile would make it another program
	require.Root(t)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=4m"); err != nil {
		require.Missing(t, "root", "can't mount a tmpfs: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	dir, filler, count := filepath.Join(disk, "tree"), filepath.Join(disk, "filler"), 10
	cmd := exec.Command(os.Args[0], append([]string{"-test.run=^$", "-test.bench=."}, kept(dir, count)...)...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, filepath.Join(dir, "embedded/0ms/1c/run2"))
	for err := error(nil); !errors.Is(err, syscall.ENOSPC); {
		err = appendTo(filler)
	}
	err := cmd.Wait()
	whole := len(runs(t, dir))
	if err == nil || whole < 2 || whole >= 2*count || records(out.String()) != whole ||
		!strings.Contains(out.String(), "left out: no run can be kept: ") {
		t.Errorf("%v, %d runs kept, %d records:\n%s", err, whole, records(out.String()), &out)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	stdout, _, code := benchmark(t, kept(dir, count, "-resume")...)
	if code != 0 || records(stdout) != 2*count || len(runs(t, dir)) != 2*count {
		t.Errorf("exit code %d, %d records, %q:\n%s", code, records(stdout), runs(t, dir), stdout)
	}
}

// appendTo makes a file longer by a page.
func appendTo(name string) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, os.Getpagesize()))
	return errors.Join(err, f.Close())
}
