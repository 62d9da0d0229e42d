package eventdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// sqliteViewName is the only file of a sqliteView.
const sqliteViewName = "database"

const (
	walHeader      = 32 // bytes
	walFrameHeader = 24
	walMagic       = 0x377f0682 // with little-endian checksums; 1 more: big-endian
	walVersion     = 3007000
	walMostLogs    = 1 << 16 // logs before this one of which frames are left
)

// A sqliteView is a file system with one file, an SQLite database as it is
// with the committed pages of its write-ahead log in place. In memory it holds
// 20 to 40 bytes for each page in the log, and while it reads the log as many
// again for each page of the longest transaction.
type sqliteView struct {
	main, wal *file
	pageSize  int64
	size      int64            // of the database
	logged    map[uint32]int64 // where in the log the last version of a page is
	err       error            // the first error of a read
}

func newSQLiteView(main, wal *file) (*sqliteView, error) {
	var head [100]byte
	if err := main.read(head[:], 0); err != nil {
		return nil, err
	}
	size, err := sqlitePageSize(main, head[:])
	if err != nil {
		return nil, err
	}
	v := &sqliteView{main: main, wal: wal, pageSize: int64(size), size: main.size}
	if wal != nil {
		err = v.readLog()
	}
	if err != nil || len(v.logged) > 0 {
		return v, err
	}
	pages := int64(binary.BigEndian.Uint32(head[28:]))
	known := binary.BigEndian.Uint32(head[24:]) == binary.BigEndian.Uint32(head[92:])
	if known && pages*v.pageSize != main.size {
		return nil, main.corrupt(28, 0, fmt.Sprintf("a file of %d pages of %d bytes", pages, size),
			fmt.Sprintf("one of %d bytes", main.size))
	}
	return v, nil
}

// isLog reports whether head begins a write-ahead log.
func isLog(head []byte) bool {
	return len(head) >= walHeader && binary.BigEndian.Uint32(head)&^1 == walMagic
}

// readLog finds the committed pages of the log. What is behind its last frame
// may be from before the log was begun anew.
func (v *sqliteView) readLog() error {
	var head [walHeader]byte
	if err := v.wal.read(head[:], 0); err != nil {
		return err
	}
	magic := binary.BigEndian.Uint32(head[:])
	if magic&^1 != walMagic {
		return v.wal.corrupt(0, -1, "the magic number of an SQLite write-ahead log", fmt.Sprintf("% x", head[:4]))
	}
	var order binary.ByteOrder = binary.LittleEndian
	if magic&1 != 0 {
		order = binary.BigEndian
	}
	sum := walSum{order: order}
	sum.add(head[:24])
	if !sum.is(head[24:]) {
		return v.wal.corrupt(24, -1, fmt.Sprintf("checksum %08x%08x", sum.a, sum.b), fmt.Sprintf("%x", head[24:]))
	}
	if n := binary.BigEndian.Uint32(head[4:]); n != walVersion {
		return v.wal.corrupt(4, -1, fmt.Sprintf("version %d", walVersion), fmt.Sprint(n))
	}
	if n := int64(binary.BigEndian.Uint32(head[8:])); n != v.pageSize {
		return v.wal.corrupt(8, -1, fmt.Sprintf("pages of %d bytes, as the database has", v.pageSize), fmt.Sprint(n))
	}
	v.logged = make(map[uint32]int64)
	pending := make(map[uint32]int64) // not committed yet
	frame := make([]byte, walFrameHeader+v.pageSize)
	old := false
	for at := int64(walHeader); at+int64(len(frame)) <= v.wal.size; at += int64(len(frame)) {
		if err := v.wal.read(frame, at); err != nil {
			return err
		}
		// One that is behind an old one is read only for this: no frame of this
		// log may be behind damaged ones.
		if before, err := v.before(at, head[16:24], frame[8:16]); err != nil {
			return err
		} else if before {
			old = true
			continue
		}
		if old {
			return v.wal.corrupt(at+8, -1, "no frame of this log, which ended before", "one with its salt")
		}
		sum.add(frame[:8])
		sum.add(frame[walFrameHeader:])
		if !sum.is(frame[16:24]) {
			return v.wal.corrupt(at+16, -1, fmt.Sprintf("checksum %08x%08x", sum.a, sum.b),
				fmt.Sprintf("%x", frame[16:24]))
		}
		page := binary.BigEndian.Uint32(frame)
		if page == 0 {
			return v.wal.corrupt(at, -1, "the number of a page", "0")
		}
		pending[page] = at + walFrameHeader
		if pages := binary.BigEndian.Uint32(frame[4:]); pages != 0 { // a commit
			// SQLite's check takes a bit of memory for each, be they there or not.
			if most := v.mostPages(at); int64(pages) > most {
				return v.wal.corrupt(at+4, -1,
					fmt.Sprintf("a database of at most %d pages, which is what its file and the log have", most),
					fmt.Sprint(pages))
			}
			v.size = int64(pages) * v.pageSize
			for n, at := range pending {
				v.logged[n] = at
			}
			clear(pending)
		}
	}
	if rest := (v.wal.size - walHeader) % int64(len(frame)); rest != 0 {
		return v.wal.corrupt(v.wal.size-rest, -1, fmt.Sprintf("a frame of %d bytes", len(frame)),
			fmt.Sprintf("%d", rest))
	}
	return nil
}

// before reports whether a frame's two salts are of a time before the log was
// begun anew. Then the first was counted up, and the second chosen at random.
// With any others the frame is damaged.
func (v *sqliteView) before(at int64, log, frame []byte) (bool, error) {
	if bytes.Equal(log, frame) {
		return false, nil
	}
	behind := binary.BigEndian.Uint32(log) - binary.BigEndian.Uint32(frame)
	if behind == 0 || behind > walMostLogs || bytes.Equal(log[4:], frame[4:]) {
		return false, v.wal.corrupt(at+8, -1, fmt.Sprintf("salt %x, or an earlier log's", log),
			fmt.Sprintf("%x", frame))
	}
	return true, nil
}

// mostPages is how many pages the database can have after the frame at that
// offset of the log: all that aren't in its file are in the log, except the one
// that SQLite locks parts of and leaves out.
func (v *sqliteView) mostPages(at int64) int64 {
	return v.main.size/v.pageSize + (at-walHeader)/(walFrameHeader+v.pageSize) + 1 + 1
}

// A walSum is the running checksum of a log.
type walSum struct {
	order binary.ByteOrder
	a, b  uint32
}

func (s *walSum) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		s.a += s.order.Uint32(data) + s.b
		s.b += s.order.Uint32(data[4:]) + s.a
	}
}

func (s *walSum) is(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == s.a && binary.BigEndian.Uint32(stored[4:]) == s.b
}

// readAt fills b with what the database has at offset at.
func (v *sqliteView) readAt(b []byte, at int64) (int, error) {
	n := 0
	for n < len(b) && at < v.size {
		number, within := uint32(at/v.pageSize)+1, at%v.pageSize
		part := b[n:min(int64(len(b)), int64(n)+v.pageSize-within)]
		var err error
		if place, ok := v.logged[number]; ok {
			err = v.wal.read(part, place+within)
		} else {
			err = v.main.read(part, at)
		}
		if err != nil {
			return n, err
		}
		// The log is in place: there is none to look for.
		for i := max(at, 18); i < min(at+int64(len(part)), 20); i++ {
			part[i-at] = 1
		}
		n, at = n+len(part), at+int64(len(part))
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Open opens the database; there is nothing else.
func (v *sqliteView) Open(name string) (fs.File, error) {
	if name != sqliteViewName {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &sqliteViewFile{view: v}, nil
}

// sqliteViewFile is the file of a sqliteView, opened.
type sqliteViewFile struct {
	view *sqliteView
	at   int64
}

func (f *sqliteViewFile) Read(b []byte) (int, error) {
	n, err := f.view.readAt(b, f.at)
	f.at += int64(n)
	if err != nil && !errors.Is(err, io.EOF) && f.view.err == nil {
		f.view.err = err
	}
	return n, err
}

// Seek moves to an offset from the start, which is all that SQLite needs.
func (f *sqliteViewFile) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart || offset < 0 {
		return 0, fs.ErrInvalid
	}
	f.at = offset
	return offset, nil
}

func (f *sqliteViewFile) Stat() (fs.FileInfo, error) { return f.view, nil }
func (f *sqliteViewFile) Close() error               { return nil }

// A sqliteView is its file's description too.

func (v *sqliteView) Name() string       { return sqliteViewName }
func (v *sqliteView) Size() int64        { return v.size }
func (v *sqliteView) Mode() fs.FileMode  { return 0o444 }
func (v *sqliteView) ModTime() time.Time { return time.Time{} }
func (v *sqliteView) IsDir() bool        { return false }
func (v *sqliteView) Sys() any           { return nil }
