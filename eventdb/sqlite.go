package eventdb

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"strings"

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

func (r *sqliteReader) Close() error {
	if r.wal == nil {
		return r.main.Close()
	}
	return errors.Join(r.main.Close(), r.wal.Close())
}

func (r *sqliteReader) each(yields ...func(Entry) bool) error {
	walk := func() error { return r.walk(yields[0]) }
	if r.wal == nil {
		return steadily(walk, r.still, r.main)
	}
	return steadily(walk, r.still, r.main, r.wal)
}

// still returns an error unless the files are those that were opened. A Comet
// opens and closes its database for each event, and with that SQLite copies the
// log into the database, removes it, and makes another for the next event.
func (r *sqliteReader) still() error {
	if r.path == "" {
		return nil
	}
	hot, err := hotJournal(r.path)
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

// hotJournal tells whether beside the database at path there is the journal of
// a change that isn't finished.
func hotJournal(path string) (bool, error) {
	journal, err := openFile(path + "-journal")
	if errors.Is(err, fs.ErrNotExist) {
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

func (r *sqliteReader) walk(yield func(Entry) bool) (err error) {
	view, err := newSQLiteView(r.main, r.wal)
	if err != nil {
		return err
	}
	name, files, err := vfs.New(view)
	if err != nil {
		return fmt.Errorf("%s: register with SQLite: %w", r.main.name, err)
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	db, err := sql.Open("sqlite", "file:"+sqliteViewName+"?immutable=1&mode=ro&vfs="+name)
	if err != nil {
		return fmt.Errorf("%s: %w", r.main.name, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = readSQLite(db, yield)
	if view.err != nil { // which SQLite only calls an input/output error
		return view.err
	}
	if err != nil && !errors.Is(err, errStop) {
		return fmt.Errorf("%s: %w", r.main.name, err)
	}
	return err
}

// readSQLite yields the entries of a database that is sound.
func readSQLite(db *sql.DB, yield func(Entry) bool) (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := sqlite.Limit(conn, sqliteLimitLength, sqliteMaxRow); err != nil {
		return fmt.Errorf("limit the length of rows: %w", err)
	}
	for _, pragma := range []string{
		"PRAGMA temp_store = memory", "PRAGMA cell_size_check = on", "PRAGMA trusted_schema = off",
		"PRAGMA mmap_size = 0", "PRAGMA cache_size = -4096", // KiB
	} {
		if _, err := conn.ExecContext(ctx, pragma); err != nil {
			return fmt.Errorf("%s: %w", pragma, err)
		}
	}
	// The check walks all pages in order. That each entry is in the key's index,
	// too, is left to counting both: to look up each takes a time that isn't linear.
	var finding string
	if err := conn.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&finding); err != nil {
		return fmt.Errorf("check the database: %w", err)
	}
	if finding != "ok" {
		return fmt.Errorf("check the database: expected ok, found %s", finding)
	}
	var indexed sql.NullInt64
	if err := countIndexed(ctx, conn, &indexed); err != nil {
		return fmt.Errorf("expected a table Dict with key and value, as dbm.sqlite3 makes: %w", err)
	}
	entries := int64(0)
	rows, err := conn.QueryContext(ctx, "SELECT key, value FROM Dict")
	if err != nil {
		return fmt.Errorf("expected a table Dict with key and value, as dbm.sqlite3 makes: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var key, value sql.RawBytes
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		if len(key) > MaxItem || len(value) > MaxItem {
			return fmt.Errorf("expected a key and a value of at most %d bytes, found %d and %d", MaxItem, len(key), len(value))
		}
		entries++
		if !yield(Entry{key, value}) {
			return errStop
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if indexed.Valid && indexed.Int64 != entries {
		return fmt.Errorf("expected %d entries, as the index of keys has, found %d", indexed.Int64, entries)
	}
	return nil
}

// countIndexed counts the entries of the index of keys, if there is one.
func countIndexed(ctx context.Context, conn *sql.Conn, n *sql.NullInt64) error {
	var index string
	err := conn.QueryRowContext(ctx, "SELECT name FROM pragma_index_list('Dict') ORDER BY seq LIMIT 1").Scan(&index)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	quoted := `"` + strings.ReplaceAll(index, `"`, `""`) + `"`
	return conn.QueryRowContext(ctx, "SELECT count(*) FROM Dict INDEXED BY "+quoted).Scan(n)
}
