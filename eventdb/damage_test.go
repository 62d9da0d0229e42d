package eventdb

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// memory returns the file that has the content b.
func memory(name string, b []byte) *file {
	return &file{name: name, size: int64(len(b)), r: bytes.NewReader(b)}
}

// walk reads a database until yield returns false.
func walk(r reader, yield func(Entry) bool) error {
	err := (&DB{reader: r}).read(context.Background(), yield)
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// A specimen is a small database in memory, to be damaged.
type specimen struct {
	name string
	main []byte
	open func(b []byte) (reader, error)
	want map[string]bool // its keys
}

func specimens(t testing.TB) []specimen {
	t.Helper()
	list := []specimen{
		{name: "bdbhash-200", open: func(b []byte) (reader, error) { return newBDBOf(b) }},
		{name: "ndbm-200", open: func(b []byte) (reader, error) { return newBDBOf(b) }},
		{name: "gnu-200", open: func(b []byte) (reader, error) { return newGDBMOf(b) }},
		{name: "sqlite3-200", open: func(b []byte) (reader, error) { return newSQLiteOf(b, nil) }},
		{name: "dumb-200"},
	}
	for i := range list {
		s := &list[i]
		files, err := filepath.Glob(filepath.Join("testdata/fixtures", s.name, "*.gz"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			switch {
			case strings.HasSuffix(f, ".dat.gz"):
				dat := gunzip(t, f)
				s.open = func(b []byte) (reader, error) { return newDumb(memory("_test.dir", b), memory("_test.dat", dat)), nil }
			case !strings.HasSuffix(f, "-wal.gz"):
				s.main = gunzip(t, f)
			}
		}
		r, err := s.open(s.main)
		if err != nil {
			t.Fatal(err)
		}
		s.want = make(map[string]bool)
		if err := walk(r, func(e Entry) bool { s.want[string(e.Key)] = true; return true }); err != nil {
			t.Fatal(err)
		}
		if len(s.want) != 200 {
			t.Fatalf("%s: %d entries", s.name, len(s.want))
		}
	}
	return list
}

func newBDBOf(b []byte) (reader, error) {
	if len(b) < bdbMetaSize {
		return nil, errors.New("short")
	}
	return asReader(newBDB(memory("db", b)))
}

func newGDBMOf(b []byte) (reader, error) { return asReader(newGDBM(memory("db", b))) }

func newSQLiteOf(b, wal []byte) (reader, error) {
	if wal == nil {
		return asReader(newSQLite(memory("db", b), nil))
	}
	return asReader(newSQLite(memory("db", b), memory("db-wal", wal)))
}

// asReader keeps a nil pointer from becoming a reader that isn't nil.
func asReader[R reader](r R, err error) (reader, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// try reads a damaged specimen. The answer must be an error or have as many
// entries as there were.
func (s specimen) try(t *testing.T, damaged []byte, how string, args ...any) (whole bool) {
	t.Helper()
	r, err := s.open(damaged)
	if err != nil {
		return false
	}
	n := 0
	err = walk(r, func(e Entry) bool { n++; return n < 10_000 })
	if err == nil && n != len(s.want) {
		t.Errorf(how+": %d entries and no error, want %d", append(args, n, len(s.want))...)
	}
	return err == nil
}

// TestDamage changes single bytes, cuts databases short and blanks parts of
// them: a database is read whole, or is an error.
func TestDamage(t *testing.T) {
	for _, s := range specimens(t) {
		t.Run(s.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			step := 17 // all of them were tried once
			if strings.HasPrefix(s.name, "sqlite") {
				step = 53 // each try takes milliseconds with the race detector
			}
			whole, tried := 0, 0
			for at := random.IntN(step); at < len(s.main); at += step {
				damaged := bytes.Clone(s.main)
				for _, c := range []byte{0, 0xff, s.main[at] ^ 1<<random.IntN(8), s.main[at] + 1, s.main[at] - 1} {
					if c == s.main[at] {
						continue
					}
					damaged[at] = c
					tried++
					if s.try(t, damaged, "byte %d: %#x instead of %#x", at, c, s.main[at]) {
						whole++
					}
				}
			}
			t.Logf("%d of %d changes of a byte go unnoticed", whole, tried)
			for range 400 {
				n := random.IntN(len(s.main))
				if n > 0 && s.main[n-1] == '\n' && strings.HasPrefix(s.name, "dumb") {
					continue // an index of fewer entries: nothing says that there were more
				}
				s.try(t, s.main[:n], "cut to %d bytes", n)
			}
			for _, size := range []int{512, 1024, 4096} {
				for at := 0; at+size <= len(s.main); at += 512 {
					damaged := bytes.Clone(s.main)
					clear(damaged[at : at+size])
					s.try(t, damaged, "%d zeros at %d", size, at)
				}
			}
		})
	}
}

// TestLongKeyTwice makes the key "bb…" on a page of a Berkeley DB file another
// one that is there. Long keys lie on pages of their own and so are in no order,
// nor are short ones around them.
func TestLongKeyTwice(t *testing.T) {
	for _, c := range []struct{ name, long, short, as string }{
		{"long", "ab", "", "aa"},
		{"short before a long one", "c", "ab", "aa"},
		{"short behind a long one", "A", "ab", "aa"},
		{"short around a long one", "a", "Ab", "AA"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "_test")
			w, err := createBDB(path, bdbLayout{version: 9, pageSize: 4096})
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range c.long + c.short {
				n := 10_000 // which, as any even number of a character, is of bucket 0
				if strings.ContainsRune(c.short, key) {
					n = 20
				}
				if _, err := w.Put(bytes.Repeat([]byte(string(key)), n), []byte("1395443440.41")); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range []struct {
				file []byte
				want string
			}{{whole, ""}, {bytes.ReplaceAll(whole, []byte("bb"), []byte(c.as)), "once"}} {
				r, err := newBDBOf(f.file)
				if err != nil {
					t.Fatal(err)
				}
				err = walk(r, func(Entry) bool { return true })
				if f.want == "" && err != nil || f.want != "" && (err == nil || !strings.Contains(err.Error(), f.want)) {
					t.Errorf("%v, want %q", err, f.want)
				}
			}
		})
	}
}
