package eventdb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Files are the paths of the files that make up one event database. What a
// Comet calls NAME is
//
//	NAME        Berkeley DB, GDBM or SQLite
//	NAME.db     ndbm on Berkeley DB
//	NAME.pag    ndbm on GDBM, with a NAME.dir that holds nothing of its own
//	NAME.dat    the values of a dumb database, with NAME.dir and NAME.bak
//
// and beside an SQLite database there may be two files with its name and -wal
// or -journal. A path is empty if there is no such file.
type Files struct {
	Main    string // the entries; the values of a dumb database
	Index   string // the .dir of a dumb database
	Backup  string // its .bak, a copy of the index, which isn't read
	Log     string // SQLite's write-ahead log
	Journal string // SQLite's journal of a change
}

// Find returns the files of the database at path: what a Comet calls it, or any
// of its files. The error if there are none is [fs.ErrNotExist]. Whether the
// database is whole is for [Open] to find out.
func Find(path string) (Files, error) {
	if exists(path) {
		return filesWith(path), nil
	}
	var found []string
	for _, ending := range []string{".db", ".pag", ".dat", ".dir", "-wal"} {
		if file := path + ending; exists(file) && filesWith(file).Main == file {
			found = append(found, file)
		}
	}
	switch len(found) {
	case 0:
		return Files{}, fmt.Errorf("open event database: %s: %w, nor is there one with .db, .pag or .dat behind "+
			"its name",
			path, fs.ErrNotExist)
	case 1:
		return filesWith(found[0]), nil
	}
	return Files{}, fmt.Errorf("open event database: %s may mean any of %s: name one of them", path,
		strings.Join(found, ", "))
}

// filesWith returns the files of the database to which the file at path
// belongs. Where the others are missing, that file is Main.
func filesWith(path string) Files {
	f := Files{Main: path}
	for _, ending := range []string{"-wal", "-journal", "-shm"} {
		if main, ok := strings.CutSuffix(path, ending); ok && exists(main) {
			f.Main = main
		}
	}
	base, ending := path, filepath.Ext(path)
	switch ending {
	case ".dat", ".dir", ".bak":
		base = strings.TrimSuffix(path, ending)
		switch {
		case exists(base + ".dat"):
			f.Main = base + ".dat"
		case ending == ".dir" && exists(base+".pag"):
			f.Main = base + ".pag"
		case exists(base + ".dir"):
			f.Main = base + ".dir"
		}
	}
	if f.Main == base+".dat" {
		f.Index, f.Backup = ifExists(base+".dir"), ifExists(base+".bak")
	}
	// SQLite puts its log beside the file, not beside a link to it.
	if main, err := filepath.EvalSymlinks(f.Main); err == nil {
		f.Log, f.Journal = ifExists(main+"-wal"), ifExists(main+"-journal")
	}
	return f
}

// exists reports whether there is a file at path that isn't a folder.
func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

func ifExists(path string) string {
	if exists(path) {
		return path
	}
	return ""
}

// Belongs reports whether a file of that name may be one of the database called
// database. SQLite's -shm is one, though not needed: it is an index of the log
// that readers make again.
func Belongs(file, database string) bool {
	if ending := filepath.Ext(database); ending == ".dat" || ending == ".dir" {
		database = strings.TrimSuffix(database, ending)
	}
	rest, ok := strings.CutPrefix(file, database)
	if !ok {
		return false
	}
	for _, ending := range []string{"-wal", "-journal", "-shm"} {
		rest = strings.TrimSuffix(rest, ending)
	}
	switch rest {
	case "", ".db", ".pag", ".dat", ".dir", ".bak":
		return true
	}
	return false
}

// Copy copies the files of the database from, named as Find takes it, so that
// the database to is the same. A database of one file becomes the file to,
// without an ending. No file is replaced.
func Copy(to, from string) error {
	f, err := Find(from)
	if err != nil {
		return err
	}
	ending := filepath.Ext(f.Main)
	if ending != ".dat" && ending != ".dir" {
		ending = ""
	}
	for _, file := range []struct{ from, to string }{
		{f.Main, to + ending}, {f.Index, to + ".dir"}, {f.Backup, to + ".bak"},
		{f.Log, to + "-wal"}, {f.Journal, to + "-journal"},
	} {
		if file.from == "" {
			continue
		}
		if err := copyFile(file.to, file.from); err != nil {
			return fmt.Errorf("copy event database: %w", err)
		}
	}
	return nil
}

func copyFile(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

// PathOf returns the path, as Find takes it, of the database that a Comet keeps
// in the folder dir for an author, such as ivo://comet.broker/test. Releases 1 and
// 2 call that one comet.broker_test, as the embedded broker does; since 3 it is
// _test. The error if there is none is [fs.ErrNotExist].
func PathOf(dir, author string) (string, error) {
	name := strings.TrimPrefix(author, "ivo://")
	_, resource, _ := strings.Cut(name, "/")
	names := []string{strings.ReplaceAll(name, "/", "_"), "_" + strings.ReplaceAll(resource, "/", "_")}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if _, err := Find(path); !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
	}
	return "", fmt.Errorf("no event database named %s: %w", strings.Join(names, " or "), fs.ErrNotExist)
}
