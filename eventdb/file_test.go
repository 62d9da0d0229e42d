package eventdb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSettle has an open file settle that was modified since, or before. When
// it has settled, it can't be modified without its time showing that.
func TestSettle(t *testing.T) {
	touch := func(ago time.Duration) func(path string) error {
		return func(path string) error {
			at := time.Now().Add(-ago)
			return os.Chtimes(path, at, at)
		}
	}
	for _, c := range []struct {
		name   string
		change func(path string) error
		want   error
	}{
		{"long ago", touch(time.Minute), nil},
		{"just now", touch(0), nil},
		{"by a clock that is ahead", touch(-time.Minute), nil},
		{"and longer", func(path string) error { return os.WriteFile(path, []byte("longer"), 0o600) }, ErrChanged},
		{"again and again", nil, ErrChanged},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "db")
			if err := errors.Join(os.WriteFile(path, []byte("short"), 0o600), touch(time.Hour)(path)); err != nil {
				t.Fatal(err)
			}
			f, err := openFile(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if c.change == nil { // by a writer that never rests
				f.stat = func() (os.FileInfo, error) {
					info, err := f.os.Stat()
					return written{info}, err
				}
			} else if err := c.change(path); err != nil {
				t.Fatal(err)
			}
			err = f.settle()
			if age := time.Since(f.was.ModTime()); err == nil && 0 <= age && age < clockTick {
				t.Errorf("settled at the age of %v", age)
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// written describes a file that was written to just now, whenever that is.
type written struct{ os.FileInfo }

func (written) ModTime() time.Time { return time.Now() }

// readWhile reads the entries of a database that was opened, and calls change
// before the first ("opened") or after it ("first entry").
func readWhile(ctx context.Context, db *DB, when string, change func()) (n int, err error) {
	if when == "opened" {
		change()
	}
	for _, err = range db.Entries(ctx) {
		if n++; n == 1 && err == nil && when == "first entry" {
			change()
		}
	}
	return n, err
}
