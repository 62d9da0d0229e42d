package eventdb

import (
	"encoding/binary"
	"fmt"
)

func (w *Writer) put16(b []byte, v int) {
	if w.big {
		binary.BigEndian.PutUint16(b, uint16(v))
	} else {
		binary.LittleEndian.PutUint16(b, uint16(v))
	}
}

func (w *Writer) put32(b []byte, v uint32) {
	if w.big {
		binary.BigEndian.PutUint32(b, v)
	} else {
		binary.LittleEndian.PutUint32(b, v)
	}
}

// hashType is the type of the pages that hold pairs.
func (w *Writer) hashType() byte {
	if w.version < 9 {
		return bdbPageUnsorted
	}
	return bdbPageSorted
}

// next returns the page that follows one in its chain, 0 at the end.
func (w *Writer) next(number uint32) uint32 { return w.u32(w.pages[number][16:]) }

// newPage makes an empty hash page of a page, in memory.
func (w *Writer) newPage(number uint32) {
	w.format(number, w.hashType())
	w.put16(w.pages[number][22:], w.pageSize) // where its items begin
}

// format makes a page of zeros with its number and type, in memory.
func (w *Writer) format(number uint32, kind byte) {
	if w.pages[number] == nil {
		w.pages[number] = make([]byte, w.pageSize)
	}
	page := w.pages[number]
	clear(page)
	w.put32(page[8:], number)
	page[25] = kind
}

// allocate returns a page that was free, or a new one at the file's end. Its
// caller writes it and the metadata.
func (w *Writer) allocate(kind byte) (uint32, error) {
	var number uint32
	if n := len(w.spare); n > 0 {
		number = w.spare[n-1]
		w.spare = w.spare[:n-1]
	} else {
		if w.last+1 >= bdbMaxPages {
			return 0, fmt.Errorf("%d pages are as many as the format holds", w.last)
		}
		w.last++
		number = w.last
		w.pages = append(w.pages, nil)
	}
	if kind == bdbPageOverflow {
		w.format(number, kind)
	} else {
		w.newPage(number)
	}
	return number, nil
}

// release puts a page on the list of free ones, in memory.
func (w *Writer) release(number uint32) {
	w.format(number, bdbPageFree)
	if n := len(w.spare); n > 0 {
		w.put32(w.pages[number][16:], w.spare[n-1])
	}
	w.spare = append(w.spare, number)
}

// write writes a page to the file.
func (w *Writer) write(number uint32) error {
	_, err := w.file.WriteAt(w.pages[number], int64(number)*int64(w.pageSize))
	return err
}

// writeMeta writes the metadata page.
func (w *Writer) writeMeta() error {
	page := make([]byte, w.pageSize)
	copy(page, w.meta[:])
	w.put32(page[12:], bdbMagic)
	w.put32(page[16:], w.version)
	w.put32(page[20:], uint32(w.pageSize))
	page[25] = bdbPageMeta
	if n := len(w.spare); n > 0 {
		w.put32(page[28:], w.spare[n-1])
	}
	w.put32(page[32:], w.last)
	w.put32(page[72:], w.maxBucket)
	w.put32(page[76:], w.highMask)
	w.put32(page[80:], w.lowMask)
	w.put32(page[92:], bdbCharKey)
	for i, n := range w.spares {
		w.put32(page[96+4*i:], n)
	}
	_, err := w.file.WriteAt(page, 0)
	return err
}
