package eventdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Open opens the event database at path, named as [Find] takes it; or the one
// database in the folder or tar archive at path, see [OpenTar]. The format is
// told from the bytes. The files are only read. No lock is held on them, but
// whether a writer has a GDBM file open is told only by asking for a lock: a
// writer that opens the file within the microseconds for which it is held is
// refused.
func Open(path string) (*DB, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return openFolder(path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open event database: %w", err)
	}
	files, err := Find(path)
	if err != nil {
		return nil, err
	}
	return files.open()
}

// openFolder opens the one database in a folder. Files that are no database,
// nor a part of one, may lie beside it.
func openFolder(path string) (db *DB, err error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("open event database: %w", err)
	}
	var found []string
	var failed error
	for _, e := range entries {
		files := filesWith(filepath.Join(path, e.Name()))
		if !e.Type().IsRegular() || filepath.Base(files.Main) != e.Name() {
			continue
		}
		next, err := files.open()
		switch {
		case errors.Is(err, ErrUnknown):
			continue
		case err != nil:
			failed = err
			found = append(found, err.Error())
		default:
			found = append(found, e.Name())
			if db != nil {
				if err := next.Close(); err != nil {
					return nil, errors.Join(err, db.Close())
				}
				continue
			}
			db = next
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("folder %s: %w among its %d files", path, ErrUnknown, len(entries))
	case len(found) == 1 && failed != nil:
		return nil, fmt.Errorf("folder %s: %w", path, failed)
	case len(found) == 1:
		return db, nil
	}
	err = fmt.Errorf("folder %s: got %d event databases, want one: name one of them: %s", path, len(found),
		strings.Join(found, "; "))
	if db != nil {
		err = errors.Join(err, db.Close())
	}
	return nil, err
}

// open opens the database that the files make up.
func (files Files) open() (*DB, error) {
	f, err := openFile(files.Main)
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
			err = fmt.Errorf("%s: %w", f.name, err)
		}
		return db, errors.Join(err, f.Close())
	}
	r, err := files.newReader(f, head)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &DB{path: f.name, reader: r}, nil
}

// newReader returns the reader for the format that the first bytes of f have. If
// there is no error then the reader owns the file.
func (files Files) newReader(f *file, head []byte) (reader, error) {
	switch {
	case len(head) == bdbMetaSize && isBDB(head):
		return newBDB(f)
	case isGDBM(head):
		return newGDBM(f)
	case strings.HasPrefix(string(head), sqliteMagic):
		return files.openSQLite(f)
	case isLog(head) && strings.HasSuffix(f.name, "-wal"):
		return nil, f.corrupt(-1, -1, "the database "+strings.TrimSuffix(f.name, "-wal")+" beside this log of SQLite",
			"none")
	}
	if r, err := files.openDumb(f, head); r != nil || err != nil {
		return r, err
	}
	if len(head) == bdbMetaSize {
		if name := bdbOther(head); name != "" {
			return nil, f.corrupt(0, 0, "a Berkeley DB hash file of version 8, 9 or 10", "a "+name)
		}
	}
	if f.size == 0 {
		return nil, f.corrupt(0, -1, "an event database", "an empty file")
	}
	if len(head) < bdbMetaSize && isBDB(append(head, make([]byte, bdbMetaSize)...)) {
		return nil, f.corrupt(0, 0, fmt.Sprintf("a page of metadata, %d bytes or more", bdbMetaSize),
			fmt.Sprintf("%d bytes", f.size))
	}
	return nil, fmt.Errorf("%s: %w: got the first bytes %s, want those of Berkeley DB hash, GDBM, SQLite or tar, "+
		"or a .dat and its .dir", f.name, ErrUnknown, quote(head[:min(16, len(head))]))
}

// openDumb opens a dumb database of which f is the values, or all there is. It
// returns nil if f is neither.
func (files Files) openDumb(f *file, head []byte) (reader, error) {
	base := strings.TrimSuffix(f.name, filepath.Ext(f.name))
	switch ending := filepath.Ext(f.name); {
	case ending == ".dir" && isDumb(head):
		return nil, f.corrupt(-1, -1, "the values "+base+".dat beside this index of a dumb database", "none")
	case ending != ".dat":
		return nil, nil
	case files.Index == "" && f.size == 0:
		// Until 3.13 Python writes no index as long as there are no entries.
		return newDumb(&file{name: base + ".dir", r: strings.NewReader("")}, f), nil
	case files.Index == "":
		return nil, f.corrupt(-1, -1, "the index "+base+".dir beside these values of a dumb database", "none")
	}
	dir, err := openFile(files.Index)
	if err != nil {
		return nil, err
	}
	head = make([]byte, min(1, dir.size))
	err = dir.read(head, 0)
	if err == nil && !isDumb(head) {
		err = dir.corrupt(0, -1, "the index of a dumb database, which begins with a quote", quote(head[:1]))
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return newDumb(dir, f), nil
}

// openSQLite opens the SQLite database in f, with its log.
func (files Files) openSQLite(f *file) (reader, error) {
	if hot, err := hotJournal(files.Journal); err != nil {
		return nil, err
	} else if hot {
		return nil, &CorruptError{File: files.Journal, Offset: 0, Page: -1, Got: "one",
			Want: "no journal of an unfinished change (let SQLite open the database: it will undo the change)"}
	}
	var wal *file
	if files.Log != "" {
		var err error
		if wal, err = openFile(files.Log); err != nil {
			return nil, err
		}
		if wal.size == 0 {
			if err := wal.Close(); err != nil {
				return nil, err
			}
			wal = nil
		}
	}
	r, err := newSQLite(f, wal)
	if err != nil {
		if wal != nil {
			err = errors.Join(err, wal.Close())
		}
		return nil, err
	}
	if r.path, err = filepath.EvalSymlinks(f.name); err != nil {
		err = fmt.Errorf("open event database: %w", err)
		if wal != nil {
			err = errors.Join(err, wal.Close())
		}
		return nil, err
	}
	return r, nil
}
