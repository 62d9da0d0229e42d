package eventdb

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"slices"
	"sync"
)

// bdbLoad is the share of the buckets' first pages that entries fill before
// there is another bucket: buckets that are yet to be split then hold up to
// twice that.
const bdbLoad = 0.55

// A Writer makes an event database: a Berkeley DB hash file of version 9 with
// 4096-byte pages in the machine's byte order, as Python 2's bsddb and Debian's
// ndbm make and read. Every Put is written through to the file, so that a
// reader finds a whole database whenever no Put is under way (and an error,
// not a wrong count, if one is); it is not synced to the disk. All pages are
// also held in memory, some 130 bytes an event. The methods may be called from
// several goroutines at once.
type Writer struct {
	bdbLayout
	path string

	mu    sync.Mutex
	file  *os.File
	err   error    // why no more can be put
	pages [][]byte // by number; nil: all zeros
	spare []uint32 // the list of free pages, its head last
	used  int64    // bytes of items and their index on hash pages
	meta  [bdbMetaSize]byte
}

// Create makes an empty event database at path, where there must be no file.
func Create(path string) (*Writer, error) {
	return createBDB(path, bdbLayout{version: 9, big: nativeBig(), pageSize: 4096})
}

func nativeBig() bool { return binary.NativeEndian.Uint16([]byte{0, 1}) == 1 }

// createBDB makes a database with the version, byte order and page size of l.
func createBDB(path string, l bdbLayout) (*Writer, error) {
	l.header, l.maxBucket, l.highMask, l.lowMask = bdbHeader, 1, 1, 0
	l.last = 2
	l.spares[0], l.spares[1] = 1, 1
	w := &Writer{bdbLayout: l, path: path, pages: make([][]byte, 3)}
	if _, err := rand.Read(w.meta[52:72]); err != nil { // the file's identity
		return nil, fmt.Errorf("create event database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create event database: %w", err)
	}
	w.file = f
	w.newPage(1)
	w.newPage(2)
	if err := errors.Join(w.write(2), w.write(1), w.writeMeta()); err != nil {
		return nil, errors.Join(fmt.Errorf("create event database: %w", err), f.Close(), os.Remove(path))
	}
	return w, nil
}

// Put stores the value under the key unless the key is there, and reports
// whether it wasn't.
func (w *Writer) Put(key, value []byte) (added bool, err error) {
	if len(key) > MaxItem || len(value) > MaxItem {
		return false, fmt.Errorf("put into event database %s: got a key of %d and a value of %d bytes, want at most %d",
			w.path, len(key), len(value), MaxItem)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return false, w.err
	}
	bucket := w.bucket(bdbHash(key))
	if _, _, found := w.find(bucket, key); found {
		return false, nil
	}
	if err := w.put(bucket, key, value); err != nil {
		w.err = fmt.Errorf("put into event database %s: %w", w.path, err)
		return false, w.err
	}
	return true, nil
}

// Close closes the file. There is nothing left to be written.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = fmt.Errorf("event database %s: %w", w.path, os.ErrClosed)
	}
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("close event database: %w", err)
	}
	return nil
}

// put adds a pair that isn't there.
func (w *Writer) put(bucket uint32, key, value []byte) error {
	keyItem, err := w.makeItem(key)
	if err != nil {
		return err
	}
	valueItem, err := w.makeItem(value)
	if err != nil {
		return err
	}
	size := len(keyItem) + len(valueItem) + 4
	number := w.page(bucket)
	for w.room(number) < size {
		next := w.next(number)
		if next == 0 {
			if next, err = w.chain(number); err != nil {
				return err
			}
		}
		number = next
	}
	i, _ := w.search(number, key)
	w.insert(w.pages[number], i, keyItem, valueItem)
	if err := w.write(number); err != nil {
		return err
	}
	w.used += int64(size)
	if float64(w.used) > bdbLoad*float64(w.maxBucket+1)*float64(w.pageSize) {
		return w.split()
	}
	return nil
}

// find looks for the key in a bucket.
func (w *Writer) find(bucket uint32, key []byte) (number uint32, i int, found bool) {
	for number = w.page(bucket); number != 0; number = w.next(number) {
		if i, found = w.search(number, key); found {
			return number, i, true
		}
	}
	return 0, 0, false
}

// search returns where on a page the key is or belongs, as a number of pairs.
func (w *Writer) search(number uint32, key []byte) (i int, found bool) {
	page := w.pages[number]
	n := w.u16(page[20:]) / 2
	if w.version < 9 {
		for i := range n {
			if bytes.Equal(w.keyAt(page, i), key) {
				return i, true
			}
		}
		return n, false
	}
	low, high := 0, n
	for low < high {
		mid := (low + high) / 2
		switch bdbCompare(w.keyAt(page, mid), key) {
		case 0:
			return mid, true
		case -1:
			low = mid + 1
		default:
			high = mid
		}
	}
	return low, false
}

// pair returns the two items of a pair of a page.
func (w *Writer) pair(page []byte, i int) (key, value []byte) {
	index := page[bdbHeader:]
	end := w.pageSize
	if i > 0 {
		end = w.u16(index[4*i-2:])
	}
	keyAt := w.u16(index[4*i:])
	return page[keyAt:end], page[w.u16(index[4*i+2:]):keyAt]
}

// keyAt returns the key of a pair of a page.
func (w *Writer) keyAt(page []byte, i int) []byte {
	item, _ := w.pair(page, i)
	if item[0] == bdbItemData {
		return item[1:]
	}
	var key []byte
	for number := w.u32(item[4:]); number != 0; number = w.next(number) {
		over := w.pages[number]
		key = append(key, over[bdbHeader:][:w.u16(over[22:])]...)
	}
	return key
}

// low returns where a page's items begin.
func (w *Writer) low(page []byte) int {
	if low := w.u16(page[22:]); low != 0 {
		return low
	}
	return bdbMaxPageSize
}

// room returns how many bytes are free on a page.
func (w *Writer) room(number uint32) int {
	page := w.pages[number]
	return w.low(page) - bdbHeader - 2*w.u16(page[20:])
}

// insert puts a pair, for which there is room, at place i of a page.
func (w *Writer) insert(page []byte, i int, key, value []byte) {
	n, low := w.u16(page[20:])/2, w.low(page)
	index, size := page[bdbHeader:], len(key)+len(value)
	end := w.pageSize
	if i > 0 {
		end = w.u16(index[4*i-2:])
	}
	copy(page[low-size:], page[low:end])
	for j := 2*n - 1; j >= 2*i; j-- {
		w.put16(index[2*j+4:], w.u16(index[2*j:])-size)
	}
	copy(page[end-len(key):], key)
	copy(page[end-size:], value)
	w.put16(index[4*i:], end-len(key))
	w.put16(index[4*i+2:], end-size)
	w.put16(page[20:], 2*n+2)
	w.put16(page[22:], low-size)
}

// makeItem returns the item for a key or value, which may be on pages of its
// own. These are written.
func (w *Writer) makeItem(b []byte) ([]byte, error) {
	if len(b) <= w.pageSize/4 {
		return append([]byte{bdbItemData}, b...), nil
	}
	item := make([]byte, 12)
	item[0] = bdbItemOffPage
	w.put32(item[8:], uint32(len(b)))
	var prev uint32
	for len(b) > 0 {
		number, err := w.allocate(bdbPageOverflow)
		if err != nil {
			return nil, err
		}
		page := w.pages[number]
		n := copy(page[bdbHeader:], b)
		b = b[n:]
		w.put16(page[20:], 1) // references to it
		w.put16(page[22:], n)
		w.put32(page[12:], prev)
		if prev == 0 {
			w.put32(item[4:], number)
		} else {
			w.put32(w.pages[prev][16:], number)
			if err := w.write(prev); err != nil {
				return nil, err
			}
		}
		if err := w.write(number); err != nil {
			return nil, err
		}
		prev = number
	}
	return item, w.writeMeta()
}

// chain adds a page to the end of a chain.
func (w *Writer) chain(end uint32) (uint32, error) {
	number, err := w.allocate(w.hashType())
	if err != nil {
		return 0, err
	}
	w.put32(w.pages[number][12:], end)
	w.put32(w.pages[end][16:], number)
	return number, errors.Join(w.write(number), w.write(end), w.writeMeta())
}

// split adds a bucket, to which some entries of another one go.
func (w *Writer) split() error {
	bucket := w.maxBucket + 1
	if bucket > w.highMask {
		group := bits.Len32(bucket)
		if group >= bdbSpares || uint64(w.last)+uint64(bucket) >= bdbMaxPages {
			return fmt.Errorf("%d buckets are as many as the format holds", bucket)
		}
		w.spares[group] = w.last + 1 - bucket
		w.last += bucket
		w.pages = append(w.pages, make([][]byte, bucket)...)
		w.newPage(w.last)
		if err := w.write(w.last); err != nil {
			return err
		}
		w.lowMask = w.highMask
		w.highMask = bucket | w.lowMask
	}
	old := bucket & w.lowMask
	var chain []uint32
	var stay, move []bdbPair
	for number := w.page(old); number != 0; number = w.next(number) {
		chain = append(chain, number)
		page := slices.Clone(w.pages[number])
		for i := range w.u16(page[20:]) / 2 {
			key, value := w.pair(page, i)
			p := bdbPair{w.keyAt(page, i), key, value}
			if bdbHash(p.key)&w.highMask == bucket {
				move = append(move, p)
			} else {
				stay = append(stay, p)
			}
		}
	}
	w.maxBucket = bucket
	if err := w.fillChain([]uint32{w.page(bucket)}, move); err != nil {
		return err
	}
	if err := w.fillChain(chain, stay); err != nil {
		return err
	}
	return w.writeMeta()
}

// A bdbPair is a pair of items on its way to another page.
type bdbPair struct{ key, keyItem, valueItem []byte }

// fillChain writes a bucket anew, on the pages given and others as needed;
// pages it doesn't need become free.
func (w *Writer) fillChain(pages []uint32, pairs []bdbPair) error {
	if w.version >= 9 {
		slices.SortFunc(pairs, func(a, b bdbPair) int { return bdbCompare(a.key, b.key) })
	}
	used := 1
	w.newPage(pages[0])
	for _, p := range pairs {
		number := pages[used-1]
		if w.room(number) < len(p.keyItem)+len(p.valueItem)+4 {
			if used == len(pages) {
				next, err := w.allocate(w.hashType())
				if err != nil {
					return err
				}
				pages = append(pages, next)
			} else {
				w.newPage(pages[used])
			}
			w.put32(w.pages[number][16:], pages[used])
			w.put32(w.pages[pages[used]][12:], number)
			number = pages[used]
			used++
		}
		w.insert(w.pages[number], w.u16(w.pages[number][20:])/2, p.keyItem, p.valueItem)
	}
	for _, number := range pages[used:] {
		w.release(number)
	}
	for i := len(pages) - 1; i >= 0; i-- {
		if err := w.write(pages[i]); err != nil {
			return err
		}
	}
	return nil
}
