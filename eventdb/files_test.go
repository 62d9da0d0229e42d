package eventdb

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// write makes small files whose content is their name.
func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCopy(t *testing.T) {
	for _, c := range []struct {
		files, want []string
		link        bool // name the database by a link from elsewhere
	}{
		{[]string{"_test"}, []string{"broker.db"}, false},
		{[]string{"_test.db"}, []string{"broker.db"}, false},
		{[]string{"_test.pag", "_test.dir"}, []string{"broker.db"}, false},
		{[]string{"_test", "_test-wal", "_test-shm"}, []string{"broker.db", "broker.db-wal"}, false},
		{[]string{"_test", "_test-wal", "_test-shm"}, []string{"broker.db", "broker.db-wal"}, true},
		{[]string{"_test", "_test-journal"}, []string{"broker.db", "broker.db-journal"}, true},
		{[]string{"_test.dat", "_test.dir", "_test.bak"}, []string{"broker.db.bak", "broker.db.dat", "broker.db.dir"},
			false},
		{[]string{"_test.dir"}, []string{"broker.db.dir"}, false},
	} {
		t.Run(strings.Join(c.files, " "), func(t *testing.T) {
			from, to := t.TempDir(), t.TempDir()
			write(t, from, append(c.files, "_test2", "cometbench_probe", "_probe.db")...)
			path := filepath.Join(from, "_test")
			if c.link {
				link := filepath.Join(t.TempDir(), "link")
				if err := os.Symlink(path, link); err != nil {
					t.Fatal(err)
				}
				path = link
			}
			if err := Copy(filepath.Join(to, "broker.db"), path); err != nil {
				t.Error(err)
			}
			if got := list(t, to); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for _, name := range c.want {
				if !Belongs(name, "broker.db") {
					t.Errorf("%s doesn't belong to broker.db", name)
				}
			}
			if err := Copy(filepath.Join(to, "broker.db"), path); !errors.Is(err, fs.ErrExist) {
				t.Errorf("copied twice: %v", err)
			}
			if err := Copy(filepath.Join(to, "other"), filepath.Join(from, "nothing")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a missing database: %v", err)
			}
		})
	}
}

func TestPathOf(t *testing.T) {
	for _, c := range []struct {
		files  []string
		author string
		want   string
	}{
		{[]string{"comet.broker_test", "cometbench_probe"}, "ivo://comet.broker/test", "comet.broker_test"},
		{[]string{"_test.db", "_probe.db"}, "ivo://comet.broker/test", "_test"},
		{[]string{"_test.db", "_probe.db"}, "ivo://cometbench/probe", "_probe"},
		{[]string{"_test.dir", "_test.dat"}, "ivo://comet.broker/test", "_test"},
		{[]string{"_test"}, "ivo://comet.broker/a/test", ""},
		{[]string{"_a_test"}, "ivo://comet.broker/a/test", "_a_test"},
		{nil, "ivo://comet.broker/test", ""},
	} {
		dir := t.TempDir()
		write(t, dir, c.files...)
		path, err := PathOf(dir, c.author)
		if c.want == "" {
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "_test") {
				t.Errorf("%s in %q: got %q, %v, want that there is none", c.author, c.files, path, err)
			}
		} else if want := filepath.Join(dir, c.want); path != want || err != nil {
			t.Errorf("%s in %q: got %q, %v, want %q", c.author, c.files, path, err, want)
		}
	}
}
