//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package eventdb

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestGDBMLocked has a writer open a database before it is read, or meanwhile,
// that writes nothing yet.
func TestGDBMLocked(t *testing.T) {
	for _, c := range []struct{ name, when string }{
		{"before", "opened"}, {"meanwhile", "first entry"}, {"never", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(unpack(t, "testdata/fixtures/gnu-200"), "_test")
			db, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			n, err := readWhile(t.Context(), db, c.when, func() {
				f, err := os.OpenFile(path, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { f.Close() })
				if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
					t.Fatal(err)
				}
			})
			if errors.Is(err, ErrChanged) != (c.when != "") {
				t.Errorf("%d entries, %v", n, err)
			}
		})
	}
}
