package eventdb

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"math/bits"
	"os"

	"modernc.org/sqlite" // and the database driver of that name
	"modernc.org/sqlite/vfs"
)

// Python's dbm.sqlite3 keeps the entries in one table,
//
//	CREATE TABLE Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)
//
// of an SQLite database in journal mode WAL. The file formats of both the
// database and the write-ahead log (-wal) are described in "Database File
// Format" on sqlite.org. SQLite itself reads the tables here, but not the
// files: it would write to the -shm file beside them, and may checkpoint the
// log. It reads a view of them, in which the log's pages are in place.

const sqliteMagic = "SQLite format 3\x00"

// sqliteLimitLength is the number by which SQLite's C interface calls its limit
// of the length of a row (SQLITE_LIMIT_LENGTH), and sqliteMaxRow what it is set
// to: a key and a value, and what a row has before these.
const (
	sqliteLimitLength = 0
	sqliteMaxRow      = 2*MaxItem + 64 // bytes
)

// sqliteReader reads an SQLite database.
type sqliteReader struct {
	main *file
	wal  *file  // nil if there is none, or it is empty
	path string // of main without symbolic links; empty if it isn't a file
	logs bool   // the database is in journal mode WAL
}

// newSQLite takes wal, which may be nil, over.
func newSQLite(main, wal *file) (*sqliteReader, error) {
	var head [100]byte
	if err := main.read(head[:], 0); err != nil {
		return nil, err
	}
	if _, err := sqlitePageSize(main, head[:]); err != nil {
		return nil, err
	}
	return &sqliteReader{main: main, wal: wal, logs: head[18] == 2 || head[19] == 2}, nil
}

// sqlitePageSize reads the page size from the header of a database.
func sqlitePageSize(f *file, head []byte) (int, error) {
	size := int(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 65536
	}
	if size < 512 || bits.OnesCount(uint(size)) != 1 {
		return 0, f.corrupt(16, 0, "a page size that is a power of two from 512 to 65536", fmt.Sprint(size))
	}
	return size, nil
}

func (r *sqliteReader) format() string {
	switch {
	case r.wal != nil:
		return "SQLite (with a write-ahead log)"
	case r.logs:
		return "SQLite (its write-ahead log is empty)"
	}
	return "SQLite"
}

func (r *sqliteReader) files() []*file {
	if r.wal == nil {
		return []*file{r.main}
	}
	return []*file{r.main, r.wal}
}

// unchanged returns an error unless the files are those that were opened. A Comet
// opens and closes its database for each event, and with that SQLite copies the
// log into the database, removes it, and makes another for the next event.
func (r *sqliteReader) unchanged() error {
	if r.path == "" {
		return nil
	}
	hot, err := hotJournal(r.path + "-journal")
	if err == nil && hot {
		err = changed(r.path+"-journal", "the journal of a change that isn't finished")
	}
	return errors.Join(err, sameFile(r.path, r.main), sameFile(r.path+"-wal", r.wal))
}

// sameFile returns an error unless f is the file at path; nil means that there
// is none, or an empty one.
func sameFile(path string, f *file) error {
	now, err := os.Stat(path)
	none := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !none:
		return fmt.Errorf("read event database: %w", err)
	case f == nil && (none || now.Size() == 0), f != nil && !none && os.SameFile(now, f.was):
		return nil
	case none:
		return changed(path, "it was removed")
	}
	return changed(path, "another file than when the database was opened")
}

// hotJournal reports whether the file at path, if there is one, is the journal of
// a change that isn't finished.
func hotJournal(path string) (bool, error) {
	journal, err := openFile(path)
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var head [1]byte // zero after the change
	if journal.size > 0 {
		err = journal.read(head[:], 0)
	}
	return head[0] != 0, errors.Join(err, journal.Close())
}

func (r *sqliteReader) walk(yield func(Entry) bool) error {
	view, err := newSQLiteView(r.main, r.wal)
	if err != nil {
		return err
	}
	dict, err := checkSQLite(view)
	if view.err != nil { // which SQLite only calls an input/output error
		return view.err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.main.name, err)
	}
	return dict.walk(view, yield)
}

// A sqliteDict is where the table Dict is.
type sqliteDict struct {
	table, index uint32 // their first pages
	key, value   int    // their columns in the table
}

// checkSQLite has SQLite check the database, and looks the table up.
func checkSQLite(view *sqliteView) (dict sqliteDict, err error) {
	name, files, err := vfs.New(view)
	if err != nil {
		return dict, fmt.Errorf("register with SQLite: %w", err)
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	db, err := sql.Open("sqlite", "file:"+sqliteViewName+"?immutable=1&mode=ro&vfs="+name)
	if err != nil {
		return dict, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// A read fails when the caller's context is done: there is no need of it here.
	conn, err := db.Conn(context.Background())
	if err != nil {
		return dict, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := sqlite.Limit(conn, sqliteLimitLength, sqliteMaxRow); err != nil {
		return dict, fmt.Errorf("limit the length of rows: %w", err)
	}
	for _, pragma := range []string{
		"PRAGMA temp_store = memory", "PRAGMA cell_size_check = on", "PRAGMA trusted_schema = off",
		"PRAGMA mmap_size = 0", "PRAGMA cache_size = -4096", // KiB
	} {
		if _, err := conn.ExecContext(context.Background(), pragma); err != nil {
			return dict, fmt.Errorf("%s: %w", pragma, err)
		}
	}
	// The check walks all pages in order. It leaves out whether each row is in the
	// index of keys: to look up each takes a time that isn't linear.
	var finding string
	if err := conn.QueryRowContext(context.Background(), "PRAGMA quick_check(1)").Scan(&finding); err != nil {
		return dict, fmt.Errorf("check the database: %w", err)
	}
	if finding != "ok" {
		return dict, fmt.Errorf("check the database: got %s, want ok", finding)
	}
	err = conn.QueryRowContext(context.Background(), `
		SELECT t.rootpage, i.rootpage, k.cid, v.cid
		FROM sqlite_schema t, pragma_table_info(t.name) k, pragma_table_info(t.name) v,
			pragma_index_list(t.name) l, sqlite_schema i
		WHERE t.type = 'table' AND t.name = 'Dict' AND k.name = 'key' AND v.name = 'value'
			AND l."unique" AND NOT l.partial AND i.type = 'index' AND i.name = l.name
			AND (SELECT group_concat(name) FROM pragma_index_info(l.name)) = 'key'
		LIMIT 1`).Scan(&dict.table, &dict.index, &dict.key, &dict.value)
	if err != nil {
		return dict, fmt.Errorf("want a table Dict with a key that is unique and a value, as dbm.sqlite3 makes: "+
			"%w", err)
	}
	return dict, nil
}

// walk yields the entries of the table. Then it goes through the index, which
// must hold the same keys: the sums of their hashes, whatever their order, are
// equal if and only if they are, but for once in 2^64 times.
func (d sqliteDict) walk(view *sqliteView, yield func(Entry) bool) error {
	seed := maphash.MakeSeed()
	hash := func(rowid int64, key []byte) uint64 {
		return maphash.Bytes(seed, key) * (uint64(rowid)<<1 | 1)
	}
	var rows, indexed, sum uint64
	table, err := newSQLiteTree(view, false, func(rowid int64, record []byte) error {
		var key, value []byte
		columns := 0
		ok := sqliteColumns(record, func(i int, kind uint64, content []byte) bool {
			if i == d.key && kind >= 12 {
				key, columns = content, columns+1
			}
			if i == d.value && kind >= 12 {
				value, columns = content, columns+1
			}
			return columns < 2
		})
		if !ok || columns < 2 || len(key) > MaxItem || len(value) > MaxItem {
			return view.main.corrupt(-1, -1, fmt.Sprintf("a key and a value of at most %d bytes", MaxItem),
				fmt.Sprintf("another row %d", rowid))
		}
		rows++
		sum += hash(rowid, key)
		if !yield(Entry{key, value}) {
			return errStop
		}
		return nil
	})
	if err == nil {
		err = table.walk(d.table, 0)
	}
	if err != nil {
		return err
	}
	index, err := newSQLiteTree(view, true, func(_ int64, record []byte) error {
		var key []byte
		var rowid int64
		var isInt bool
		ok := sqliteColumns(record, func(i int, kind uint64, content []byte) bool {
			if i == 0 {
				key = content
			} else {
				rowid, isInt = sqliteInt(kind, content)
			}
			return i == 0
		})
		if !ok || !isInt {
			return view.main.corrupt(-1, -1, "a key and the number of its row", "another entry of the index")
		}
		indexed++
		sum -= hash(rowid, key)
		return nil
	})
	if err == nil {
		err = index.walk(d.index, 0)
	}
	if err != nil {
		return err
	}
	if rows != indexed || sum != 0 {
		return view.main.corrupt(-1, -1, fmt.Sprintf("the keys of the table's %d rows in their index", rows),
			fmt.Sprintf("%d keys, not all the same", indexed))
	}
	return nil
}
