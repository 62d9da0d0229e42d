package eventdb

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Page types of SQLite's B-trees.
const (
	sqliteIndexBranch = 2
	sqliteTableBranch = 5
	sqliteIndexLeaf   = 10
	sqliteTableLeaf   = 13
)

// sqliteDepth is more levels than a tree of 2^32 pages has.
const sqliteDepth = 40

// A sqliteTree reads the rows of one table, or one index, of a database that
// SQLite has checked. SQLite would take twice as long for them, and copy each
// value several times.
type sqliteTree struct {
	view   *sqliteView
	usable int  // bytes of a page
	index  bool // the tree is an index
	row    func(rowid int64, record []byte) error
	levels [][]byte // the page in hand of each level
	over   []byte   // the overflow page in hand
	record []byte   // one that is on several pages
	left   int64    // pages that may still be read
}

func newSQLiteTree(view *sqliteView, index bool, row func(int64, []byte) error) (*sqliteTree, error) {
	var reserved [1]byte // bytes at the end of each page
	if _, err := view.readAt(reserved[:], 20); err != nil {
		return nil, err
	}
	return &sqliteTree{
		view: view, usable: int(view.pageSize) - int(reserved[0]), index: index, row: row,
		over: make([]byte, view.pageSize), left: view.size / view.pageSize,
	}, nil
}

// walk calls row for each row of the tree below a page.
func (t *sqliteTree) walk(number uint32, level int) error {
	if level == sqliteDepth {
		return t.bad(number, fmt.Sprintf("a tree of at most %d levels", sqliteDepth), "more")
	}
	if level == len(t.levels) {
		t.levels = append(t.levels, make([]byte, t.view.pageSize))
	}
	page := t.levels[level]
	if err := t.read(number, page); err != nil {
		return err
	}
	head := page
	if number == 1 {
		head = page[100:] // behind the file's header
	}
	branch, want := head[0] == sqliteTableBranch, byte(sqliteTableLeaf)
	if t.index {
		branch, want = head[0] == sqliteIndexBranch, sqliteIndexLeaf
	}
	if !branch && head[0] != want {
		return t.bad(number, fmt.Sprintf("a page of type %d or its branches", want), fmt.Sprintf("type %d", head[0]))
	}
	cells, size := head[8:], 8
	if branch {
		cells, size = head[12:], 12
	}
	n := int(binary.BigEndian.Uint16(head[3:]))
	if 2*n > len(cells) {
		return t.bad(number, "cells within the page", fmt.Sprintf("%d of them", n))
	}
	for i := range n {
		at := int(binary.BigEndian.Uint16(cells[2*i:]))
		if at < size || at > t.usable-4 {
			return t.bad(number, "cells within the page", fmt.Sprintf("one at %d", at))
		}
		cell := page[at:t.usable]
		if branch {
			if err := t.walk(binary.BigEndian.Uint32(cell), level+1); err != nil {
				return err
			}
			cell = cell[4:]
		}
		if branch && !t.index {
			continue // only a row's number, to search by
		}
		if err := t.cell(number, cell); err != nil {
			return err
		}
	}
	if branch {
		return t.walk(binary.BigEndian.Uint32(head[8:]), level+1)
	}
	return nil
}

// cell calls row for a cell of page number.
func (t *sqliteTree) cell(number uint32, cell []byte) error {
	size, n := sqliteVarint(cell)
	cell = cell[n:]
	var rowid uint64
	most, least := (t.usable-12)*64/255-23, (t.usable-12)*32/255-23
	if !t.index {
		rowid, n = sqliteVarint(cell)
		cell = cell[n:]
		most = t.usable - 35
	}
	if size > sqliteMaxRow {
		return t.bad(number, fmt.Sprintf("rows of at most %d bytes", sqliteMaxRow), fmt.Sprint(size))
	}
	whole, local := int(size), int(size)
	if whole > most {
		if local = least + (whole-least)%(t.usable-4); local > most {
			local = least
		}
	}
	if local > len(cell) || whole > local && local+4 > len(cell) {
		return t.bad(number, fmt.Sprintf("a row of %d bytes", local), fmt.Sprintf("the page's end after %d", len(cell)))
	}
	record := cell[:local]
	if whole > local {
		t.record = append(t.record[:0], record...)
		next := binary.BigEndian.Uint32(cell[local:])
		for ; len(t.record) < whole; next = binary.BigEndian.Uint32(t.over) {
			if err := t.read(next, t.over); err != nil {
				return err
			}
			t.record = append(t.record, t.over[4:][:min(whole-len(t.record), t.usable-4)]...)
		}
		record = t.record
	}
	return t.row(int64(rowid), record)
}

// read reads a page of the tree.
func (t *sqliteTree) read(number uint32, page []byte) error {
	if t.left--; t.left < 0 {
		return t.bad(number, "each page in one place", "more pages than there are")
	}
	if number == 0 || int64(number) > t.view.size/t.view.pageSize {
		return t.bad(number, "a page of the database", fmt.Sprintf("page %d", number))
	}
	_, err := t.view.readAt(page, int64(number-1)*t.view.pageSize)
	return err
}

func (t *sqliteTree) bad(page uint32, want, got string) error {
	return t.view.main.corrupt(-1, int64(page), want, got)
}

// sqliteVarint reads a number of one to nine bytes off the front of b, and
// returns how many they are. Of a b that is too short the rest is zeros.
func sqliteVarint(b []byte) (v uint64, n int) {
	for n < min(8, len(b)) {
		c := b[n]
		n++
		if v = v<<7 | uint64(c&0x7f); c < 0x80 {
			return v, n
		}
	}
	if n < len(b) {
		v, n = v<<8|uint64(b[n]), n+1
	}
	return v, n
}

// sqliteColumns calls do for each column of a record until that returns false,
// with its number and its type, and reports whether all lie within the record.
func sqliteColumns(record []byte, do func(i int, kind uint64, content []byte) bool) bool {
	end, n := sqliteVarint(record)
	if end > uint64(len(record)) || end < uint64(n) {
		return false
	}
	kinds, content := record[n:end], record[end:]
	for i := 0; len(kinds) > 0; i++ {
		kind, n := sqliteVarint(kinds)
		kinds = kinds[n:]
		size := sqliteSize(kind)
		if size > uint64(len(content)) {
			return false
		}
		if !do(i, kind, content[:size]) {
			break
		}
		content = content[size:]
	}
	return true
}

// sqliteSize returns how many bytes a column of that type has.
func sqliteSize(kind uint64) uint64 {
	if kind >= 12 { // a blob if even, else text
		return (kind - 12) / 2
	}
	return [...]uint64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, math.MaxUint64, math.MaxUint64}[kind]
}

// sqliteInt returns the integer that a column holds.
func sqliteInt(kind uint64, content []byte) (n int64, ok bool) {
	switch {
	case kind == 8 || kind == 9:
		return int64(kind - 8), true
	case kind < 1 || kind > 6:
		return 0, false
	}
	n = int64(int8(content[0]))
	for _, c := range content[1:] {
		n = n<<8 | int64(c)
	}
	return n, true
}
