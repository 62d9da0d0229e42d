//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package eventdb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cometbench/internal/require"
)

// TestOpenPipe opens databases of which a file is a named pipe. It has no
// writer, for which opening it would wait.
func TestOpenPipe(t *testing.T) {
	for _, c := range []struct{ fixture, pipe, path string }{
		{"bdbhash-1", "pipe", "pipe"},
		{"bdbhash-1", "pipe.db", "pipe"},
		{"sqlite3-1", "_test-wal", "_test"},
		{"sqlite3-1", "_test-journal", "_test"},
		{"dumb-1", "_test.dir", "_test.dat"},
	} {
		t.Run(c.pipe, func(t *testing.T) {
			dir := unpack(t, filepath.Join("testdata/fixtures", c.fixture))
			pipe := filepath.Join(dir, c.pipe)
			if err := os.Remove(pipe); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				require.Missing(t, "mkfifo", err.Error())
			}
			opened := make(chan error, 1)
			go func() {
				db, err := Open(filepath.Join(dir, c.path))
				if err == nil {
					db.Close()
				}
				opened <- err
			}()
			select {
			case err := <-opened:
				if err == nil || !strings.Contains(err.Error(), "want a regular file") {
					t.Error(err)
				}
			case <-time.After(10 * time.Second):
				t.Error("Open waits")
			}
		})
	}
}
