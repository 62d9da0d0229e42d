package eventdb

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestField opens what users and campaigns outside this project found: by
// folder, by name and in an archive the answer is the same.
func TestField(t *testing.T) {
	for _, c := range []struct {
		folder string
		name   string // "": the folder holds several
		want   []string
	}{
		{"ndbm-200-page-emptied", "_test", []string{"entries in bucket"}},
		{"bdb-extra-splice-same-3415", "_test", []string{"got 1, want the number of entries, 17"}},
		{"bdb-n20-bucket0-page1-zeroed", "_test", []string{"got 20, want the number of entries, 10"}},
		{"bdb-n64-bucket1-page2-zeroed", "_test", []string{"got zeros, want the page of bucket 1"}},
		{"sqlite-short-bit-366718", "_test", []string{"_test-wal: offset", "salt"}},
		{"sqlite-short-page-insert-13287", "_test", []string{"_test-wal: offset", "salt"}},
		{"sqlite-keys-splice-same-3686", "_test", []string{"not all the same"}},
		{"macos-bdb1.85-mydata", "mydata", []string{"Berkeley DB 1.85", "macOS"}},
		{"fold", "", []string{"got 3 event databases, want one", "_other.dat beside", "; _test", "Berkeley DB 1.85"}},
		{"chime-eventdb", "", []string{
			"-.dat: got none, want the index", "_FRB-DETECTION-.dir beside", "_FRB-SUBSEQUENT-.dat beside", "_test.dat beside",
		}},
		{"chime-eventdb", "_test", []string{"_test.dir: got none, want the values", "_test.dat beside"}},
		{"chime-eventdb", "_FRB-DETECTION-", []string{"_FRB-DETECTION-.dat: got none, want the index"}},
	} {
		t.Run(c.folder+"/"+c.name, func(t *testing.T) {
			dir := unpack(t, filepath.Join("testdata/field", c.folder))
			for how, err := range tryAll(t, dir, c.name) {
				for _, want := range c.want {
					if c.name != "" && how == "folder" && strings.HasPrefix(c.folder, "chime") {
						continue
					}
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("by %s: got %v, want %q", how, err, want)
					}
				}
			}
		})
	}
}

// tryAll summarizes the database of that name in a folder by each way to open
// it.
func tryAll(t *testing.T, dir, name string) map[string]error {
	t.Helper()
	summary := func(db *DB, err error) error {
		if err != nil {
			return err
		}
		_, err = db.Summary(t.Context())
		return errors.Join(err, db.Close())
	}
	errs := map[string]error{
		"folder":  summary(Open(dir)),
		"archive": summary(OpenTar(bytes.NewReader(archive(t, dir)), name)),
	}
	if name == "" {
		return errs
	}
	errs["name"] = summary(Open(filepath.Join(dir, name)))
	for _, file := range list(t, dir) {
		if Belongs(file, name) && !strings.HasSuffix(file, ".bak") {
			errs["file "+file] = summary(Open(filepath.Join(dir, file)))
		}
	}
	return errs
}

// TestHalves opens databases of which a file is missing, and what Python before
// 3.13 leaves of a dumb database without entries: an empty .dat alone.
func TestHalves(t *testing.T) {
	for _, c := range []struct {
		fixture string
		gone    string
		want    string
	}{
		{"fixtures/dumb-0", "_test.dir", ""},
		{"fixtures/dumb-0", "_test.dat", "_test.dat beside"},
		{"fixtures/dumb-200", "_test.dir", "_test.dir beside"},
		{"fixtures/dumb-200", "_test.dat", "_test.dat beside"},
		{"wal", "_test", "_test beside"},
	} {
		t.Run(c.fixture+"/"+c.gone, func(t *testing.T) {
			dir := unpack(t, filepath.Join("testdata", c.fixture))
			if err := os.Remove(filepath.Join(dir, c.gone)); err != nil {
				t.Fatal(err)
			}
			for how, err := range tryAll(t, dir, "_test") {
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("by %s: got %v, want %q", how, err, c.want)
				}
			}
			// Beside a whole database it is refused with both names.
			whole := unpack(t, "testdata/fixtures/bdbhash-1")
			for _, file := range list(t, whole) {
				if err := os.Rename(filepath.Join(whole, file), filepath.Join(dir, file)); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Open(dir)
			if err == nil || !strings.Contains(err.Error(), "comet.broker_test") || !strings.Contains(err.Error(), "_test.d") &&
				!strings.Contains(err.Error(), "_test-wal") {
				t.Errorf("got %v, want both names", err)
			}
		})
	}
}

// TestFieldUnknown keeps what a file can't show: in a database of Python's bsddb
// with one entry the page that held it is zeros. An empty one looks the same.
func TestFieldUnknown(t *testing.T) {
	lost := unpack(t, "testdata/field/bdbhash-1-page1-zeroed")
	empty := gunzip(t, "testdata/fixtures/bdbhash-0/comet.broker_test.gz")
	file, err := os.ReadFile(filepath.Join(lost, "_test"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range []int{0, 8192} { // the file's identity, which is left over on page 2
		copy(file[page+52:][:20], empty[page+52:])
	}
	if !slices.Equal(file, empty) {
		t.Error("it differs from an empty database: its loss can be known")
	}
}
