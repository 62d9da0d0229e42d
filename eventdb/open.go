package eventdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Open opens the event database at path, which is what a Comet calls it: a
// file; or a name to which Python's modules add endings of their own (.db,
// .pag, or .dat and .dir); or a folder that holds exactly one database; or a
// tar archive that does, see [OpenTar]. The format is told from the bytes. The
// files are only read. No lock is held on them, but whether a writer has a GDBM
// file open is told only by asking for a lock: a writer that opens the file
// within the microseconds for which it is held is refused.
func Open(path string) (*DB, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return openNamed(path)
	case err != nil:
		return nil, fmt.Errorf("open event database: %w", err)
	case info.IsDir():
		return openFolder(path)
	}
	return openMain(path)
}

// openNamed opens the database for which a module added an ending to path.
func openNamed(path string) (*DB, error) {
	var found []string
	for _, ending := range []string{".db", ".pag", ".dat"} {
		if info, err := os.Stat(path + ending); err == nil && !info.IsDir() {
			found = append(found, path+ending)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("open event database: %s: %w, nor is there one with .db, .pag or .dat behind its name", path, fs.ErrNotExist)
	case 1:
		return openMain(found[0])
	}
	return nil, fmt.Errorf("open event database: %s may mean any of %s: name one of them", path, strings.Join(found, ", "))
}

// openFolder opens the one database in a folder.
func openFolder(path string) (db *DB, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("open event database: %w", err)
	}
	defer func() {
		if err != nil && db != nil {
			err = errors.Join(err, db.Close())
			db = nil
		}
	}()
	var found []string
	for _, e := range entries {
		if !e.Type().IsRegular() || beside(entries, e.Name()) {
			continue
		}
		next, err := openMain(filepath.Join(path, e.Name()))
		if errors.Is(err, ErrUnknown) {
			continue
		}
		if err != nil {
			return db, fmt.Errorf("folder %s: %w", path, err)
		}
		found = append(found, e.Name())
		if db != nil {
			if err := next.Close(); err != nil {
				return db, err
			}
			continue
		}
		db = next
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("folder %s: %w among its %d files", path, ErrUnknown, len(entries))
	case 1:
		return db, nil
	}
	return db, fmt.Errorf("folder %s: expected one event database, found %s: name one of them", path, strings.Join(found, ", "))
}

// beside tells whether the file of that name belongs to another one's
// database: the index of a dumb one and its copy, and SQLite's logs.
func beside(entries []fs.DirEntry, name string) bool {
	for ending, main := range map[string]string{".dir": ".dat", ".bak": ".dat", "-wal": "", "-shm": "", "-journal": ""} {
		if base, ok := strings.CutSuffix(name, ending); ok && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == base+main }) {
			return true
		}
	}
	// GDBM's own ndbm makes a .dir beside a .pag.
	base, ok := strings.CutSuffix(name, ".dir")
	return ok && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == base+".pag" })
}

// openMain opens the database of which path is the, or a, file.
func openMain(path string) (*DB, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	head := make([]byte, min(f.size, bdbMetaSize))
	if err := f.read(head, 0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if isTar(head) {
		db, err := OpenTar(f.os, "")
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return db, errors.Join(err, f.Close())
	}
	r, err := newReader(f, head)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &DB{path: path, reader: r}, nil
}

// newReader tells the format of a file by its first bytes. If there is no
// error then the reader owns the file.
func newReader(f *file, head []byte) (reader, error) {
	switch {
	case len(head) == bdbMetaSize && isBDB(head):
		return newBDB(f)
	case isGDBM(head):
		return newGDBM(f)
	case strings.HasPrefix(string(head), sqliteMagic):
		return openSQLite(f)
	}
	if r, err := openDumb(f, head); r != nil || err != nil {
		return r, err
	}
	if len(head) == bdbMetaSize {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			if name := bdbOther(order.Uint32(head[12:])); name != "" {
				return nil, f.corrupt(12, 0, "a Berkeley DB hash file", "a Berkeley DB "+name)
			}
		}
	}
	if f.size == 0 {
		return nil, f.corrupt(0, -1, "an event database", "an empty file")
	}
	if len(head) < bdbMetaSize && isBDB(append(head, make([]byte, bdbMetaSize)...)) {
		return nil, f.corrupt(0, 0, fmt.Sprintf("a page of metadata, %d bytes or more", bdbMetaSize), fmt.Sprintf("%d bytes", f.size))
	}
	return nil, fmt.Errorf("%s: %w: expected the first bytes of Berkeley DB hash, GDBM, SQLite or tar, or a .dat and its .dir, found %s", f.name, ErrUnknown, quote(head[:min(16, len(head))]))
}

// openDumb opens a dumb database of which f is the index or the values. It
// returns nil if f can't be either.
func openDumb(f *file, head []byte) (reader, error) {
	for ending, other := range map[string]string{".dir": ".dat", ".dat": ".dir"} {
		base, ok := strings.CutSuffix(f.name, ending)
		if !ok {
			continue
		}
		sibling, err := openFile(base + other)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: expected %s beside it, as in a dumb database, found none: %w", f.name, filepath.Base(base+other), ErrUnknown)
		}
		if err != nil {
			return nil, err
		}
		dir, dat := f, sibling
		if ending == ".dat" {
			dir, dat = sibling, f
			head = make([]byte, min(1, dir.size))
			err = dir.read(head, 0)
		}
		if err == nil && !isDumb(head) {
			err = dir.corrupt(0, -1, "the index of a dumb database, which begins with a quote", quote(head[:1]))
		}
		if err != nil {
			return nil, errors.Join(err, sibling.Close())
		}
		return newDumb(dir, dat), nil
	}
	return nil, nil
}

// openSQLite opens the SQLite database in f, with the log beside it.
func openSQLite(f *file) (reader, error) {
	// SQLite puts its log beside the file, not beside a link to it.
	path, err := filepath.EvalSymlinks(f.name)
	if err != nil {
		return nil, fmt.Errorf("open event database: %w", err)
	}
	hot, err := hotJournal(path)
	if err == nil && hot {
		err = &CorruptError{File: path + "-journal", Offset: 0, Page: -1, Want: "no journal of an unfinished change (let SQLite open the database: it will undo the change)", Got: "one"}
	}
	if err != nil {
		return nil, err
	}
	wal, err := openFile(path + "-wal")
	if err == nil && wal.size == 0 {
		err = wal.Close()
		wal = nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	r, err := newSQLite(f, wal)
	if err != nil {
		if wal != nil {
			err = errors.Join(err, wal.Close())
		}
		return nil, err
	}
	r.path = path
	return r, nil
}
