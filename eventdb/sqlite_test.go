package eventdb

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSQLiteReplaced changes which files there are, after the database was
// opened or while it is read. None of those that are open changes.
func TestSQLiteReplaced(t *testing.T) {
	create := func(ending string) func(path string) error {
		return func(path string) error { return os.WriteFile(path+ending, []byte("new"), 0o600) }
	}
	replace := func(ending string) func(path string) error {
		return func(path string) error {
			whole, err := os.ReadFile(path + ending)
			return errors.Join(err, os.WriteFile(path+"-new", whole, 0o600), os.Rename(path+"-new", path+ending))
		}
	}
	for _, c := range []struct {
		name    string
		fixture string
		change  func(path string) error
		changed bool
	}{
		{"nothing", "wal", func(path string) error { return nil }, false},
		{"log is removed", "wal", func(path string) error { return os.Remove(path + "-wal") }, true},
		{"log is begun anew", "wal", replace("-wal"), true},
		{"log is begun", "fixtures/sqlite3-200", create("-wal"), true},
		{"empty log is removed", "fixtures/sqlite3-200", func(path string) error { return os.Remove(path + "-wal") },
			false},
		{"journal is begun", "fixtures/sqlite3-200", create("-journal"), true},
		{"journal is empty", "fixtures/sqlite3-200",
			func(path string) error { return os.WriteFile(path+"-journal", nil, 0o600) }, false},
		{"database is another", "wal", replace(""), true},
	} {
		for _, when := range []string{"opened", "first entry"} {
			t.Run(c.name+"/"+when, func(t *testing.T) {
				path := filepath.Join(unpack(t, filepath.Join("testdata", c.fixture)), "_test")
				db, err := Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				n, err := readWhile(t.Context(), db, when, func() {
					if err := c.change(path); err != nil {
						t.Fatal(err)
					}
				})
				if errors.Is(err, ErrChanged) != c.changed || !c.changed && err != nil {
					t.Errorf("%d entries, %v", n, err)
				}
			})
		}
	}
}

// TestSQLiteJournal opens a database beside which there is a journal.
func TestSQLiteJournal(t *testing.T) {
	for journal, want := range map[string]string{"": "", "\x00\x00": "", "\xd9\xd5": "unfinished change"} {
		path := filepath.Join(unpack(t, "testdata/fixtures/sqlite3-1"), "_test")
		if err := os.WriteFile(path+"-journal", []byte(journal), 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(path)
		if err == nil {
			db.Close()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", journal, err, want)
		}
	}
}

// TestSQLiteLong reads values that are as long as may be, and longer.
func TestSQLiteLong(t *testing.T) {
	for _, c := range []struct {
		key, value int
		want       string
	}{
		{MaxItem, MaxItem, ""},
		{40, MaxItem + 1, "at most"},
		{40, sqliteMaxRow + 1, "rows of at most"},
	} {
		t.Run(fmt.Sprint(c.value), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "_test")
			w, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range []string{
				"CREATE TABLE Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)",
				fmt.Sprintf("INSERT INTO Dict VALUES (zeroblob(%d), zeroblob(%d))", c.key, c.value),
			} {
				if _, err := w.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for _, err = range db.Entries(t.Context()) {
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
