package eventdb

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
)

// interrupted cancels a context at the second read of a file.
type interrupted struct {
	io.ReaderAt
	cancel context.CancelCauseFunc
	cause  error
	reads  int
}

func (r *interrupted) ReadAt(b []byte, at int64) (int, error) {
	if r.reads++; r.reads == 2 {
		r.cancel(r.cause)
	}
	return r.ReaderAt.ReadAt(b, at)
}

// TestContext has a context end while a database is read, of each format and by
// each method. The error is the context's cause.
func TestContext(t *testing.T) {
	stop := errors.New("a signal")
	for _, fixture := range []string{
		"fixtures/bdbhash-10000", "fixtures/ndbm-5000-del1700", "fixtures/gnu-5000-del1700", "fixtures/sqlite3-5000-del1700",
		"fixtures/dumb-5000-del1700", "wal",
	} {
		for name, read := range map[string]func(ctx context.Context, db *DB) error{
			"Summary": func(ctx context.Context, db *DB) error { _, err := db.Summary(ctx); return err },
			"Entries": func(ctx context.Context, db *DB) (last error) {
				for _, last = range db.Entries(ctx) {
				}
				return last
			},
			"Sorted": func(ctx context.Context, db *DB) error {
				n := 0
				for _, err := range db.Sorted(ctx) {
					if n++; err != nil {
						return err
					}
				}
				t.Errorf("%s: Sorted yields %d entries", fixture, n)
				return nil
			},
		} {
			t.Run(filepath.Base(fixture)+"/"+name, func(t *testing.T) {
				db, err := Open(unpack(t, filepath.Join("testdata", fixture)))
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				for _, f := range db.reader.files() {
					f.r = &interrupted{ReaderAt: f.r, cancel: cancel, cause: stop}
				}
				if err := read(ctx, db); !errors.Is(err, stop) {
					t.Errorf("got %v, want %v", err, stop)
				}
			})
		}
	}
}
