package eventdb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A truth is what another reader found in a database.
type truth struct {
	File    string       `json:"file"`
	Entries int          `json:"entries"`
	First   *json.Number `json:"first"`
	Last    *json.Number `json:"last"`
	SHA256  string       `json:"sha256_of_sorted_key_value_lines"`
}

// unpack puts the files of a folder of testdata into a new one.
func unpack(t testing.TB, folder string) string {
	t.Helper()
	dir := t.TempDir()
	files, err := filepath.Glob(filepath.Join(folder, "*.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".gz")
		if err := os.WriteFile(filepath.Join(dir, name), gunzip(t, f), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func gunzip(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// check compares all that a database holds with the truth.
func (want truth) check(t *testing.T, db *DB) {
	t.Helper()
	s, err := db.Summary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Entries != want.Entries {
		t.Errorf("%d entries, want %d", s.Entries, want.Entries)
	}
	for _, c := range []struct {
		name string
		got  time.Time
		want *json.Number
	}{{"first", s.First, want.First}, {"last", s.Last, want.Last}} {
		if c.want == nil {
			if !c.got.IsZero() {
				t.Errorf("%s = %v, want none", c.name, c.got)
			}
			continue
		}
		if at, err := ParseTime([]byte(*c.want)); err != nil || !at.Equal(c.got) {
			t.Errorf("%s = %v, want %v (%v)", c.name, c.got, at, err)
		}
	}
	h, n := sha256.New(), 0
	for e, err := range db.Sorted(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		h.Write(e.Key)
		h.Write([]byte{' '})
		h.Write(e.Value)
		h.Write([]byte{'\n'})
		n++
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want.SHA256 || n != want.Entries {
		t.Errorf("%d entries whose sorted lines have SHA-256 %s, want %d and %s", n, got, want.Entries, want.SHA256)
	}
}

func readTruth(t testing.TB, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestFixtures reads databases that Python's own modules wrote, and Comets,
// by each way to open them, and leaves them as they are.
func TestFixtures(t *testing.T) {
	folders, err := filepath.Glob("testdata/fixtures/*")
	if err != nil || len(folders) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, folder := range append(folders, "testdata/wal") {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			dir := unpack(t, folder)
			before := snapshot(t, dir)
			if strings.HasPrefix(filepath.Base(folder), "comet-") {
				var both struct{ Broker, Subscriber truth }
				readTruth(t, filepath.Join(folder, "truth.json"), &both)
				for _, want := range []truth{both.Broker, both.Subscriber} {
					openAndCheck(t, filepath.Join(dir, want.File), want)
					openAndCheck(t, filepath.Join(dir, strings.TrimSuffix(want.File, ".db")), want)
				}
				if db, err := Open(dir); err == nil {
					t.Error("a folder of two databases is no error")
					db.Close()
				}
			} else {
				var want truth
				readTruth(t, filepath.Join(folder, "truth.json"), &want)
				openAndCheck(t, dir, want)
				for name := range before {
					switch {
					case strings.HasSuffix(name, "-wal"):
					default:
						openAndCheck(t, filepath.Join(dir, name), want)
						openAndCheck(t, filepath.Join(dir,
							strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, ".dir"), ".dat"), ".db")), want)
					}
					if name == "_test" || name == "_test.db" {
						link := filepath.Join(t.TempDir(), "link")
						if err := os.Symlink(filepath.Join(dir, name), link); err != nil {
							t.Fatal(err)
						}
						openAndCheck(t, link, want)
					}
				}
				db, err := OpenTar(bytes.NewReader(archive(t, dir)), "")
				if err != nil {
					t.Fatal(err)
				}
				want.check(t, db)
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}
			after := snapshot(t, dir)
			if len(after) != len(before) {
				t.Errorf("%d files after reading, %d before", len(after), len(before))
			}
			for name, was := range before {
				if after[name] != was {
					t.Errorf("%s isn't as it was before reading", name)
				}
			}
		})
	}
}

func openAndCheck(t *testing.T, path string, want truth) {
	t.Helper()
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	want.check(t, db)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// snapshot returns content and modification time of each file.
func snapshot(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = info.ModTime().String() + string(b)
	}
	return files
}

// archive packs a folder as an engine's copy command would.
func archive(t testing.TB, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
