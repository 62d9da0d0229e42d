package eventdb

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
)

// bdbAhead is how many bytes of buckets are read at once.
const bdbAhead = 256 << 10

// bdbReader reads a Berkeley DB hash file.
//
// The file holds no count of its entries that every writer keeps up, so the
// reader proves in other ways that none is lost: each page of the file must be
// the metadata, in exactly one chain, or empty; each chain must be linked both
// ways; each key must hash to the bucket it is in, no key may be there twice,
// and a page's items must fill the room that its header says is taken.
type bdbReader struct {
	*file
	bdbLayout
	meta   [bdbMetaSize]byte
	seen   bitmap // pages met so far
	ahead  []byte // bucket pages
	chain  []byte // the page in hand of a bucket's chain
	over   []byte // the page in hand of an item's chain
	zeros  []byte // a page of them
	key    []byte // a key too long for its page
	value  []byte // a value too long for its page
	seed   maphash.Seed
	keys   []uint64 // of a bucket of several pages
	yield  func(Entry) bool
	n      uint64 // entries so far
	blanks blanks
}

func newBDB(f *file) (*bdbReader, error) {
	r := &bdbReader{file: f, seed: maphash.MakeSeed()}
	if err := f.read(r.meta[:], 0); err != nil {
		return nil, err
	}
	if at, want, got := r.decode(r.meta[:], f.size); want != "" {
		return nil, f.corrupt(at, 0, want, got)
	}
	if r.sums {
		if got, want := r.u32(r.meta[492:]), bdbSum(r.meta[:], 492); got != want {
			return nil, f.corrupt(492, 0, fmt.Sprintf("checksum %#x", want), fmt.Sprintf("%#x", got))
		}
	}
	return r, nil
}

func (r *bdbReader) format() string {
	order := "little-endian"
	if r.big {
		order = "big-endian"
	}
	return fmt.Sprintf("Berkeley DB hash (version %d, %s, %d-byte pages)", r.version, order, r.pageSize)
}

func (r *bdbReader) each(yield func(Entry) bool) error {
	r.yield = yield
	return steadily(r.walk, r.file)
}

func (r *bdbReader) walk() error {
	var now [bdbMetaSize]byte
	if err := r.read(now[:], 0); err != nil {
		return err
	}
	if now != r.meta {
		return changed(r.name, "page 0 isn't what it was when the file was opened")
	}
	r.seen, r.n, r.blanks = bitmap{}, 0, blanks{}
	if r.ahead == nil {
		r.ahead = make([]byte, max(bdbAhead/r.pageSize, 1)*r.pageSize)
		r.chain = make([]byte, r.pageSize)
		r.over = make([]byte, r.pageSize)
		r.zeros = make([]byte, r.pageSize)
	}
	r.seen.set(0)
	pages := uint32(len(r.ahead) / r.pageSize)
	for b := uint32(0); b <= r.maxBucket; {
		// Buckets whose numbers have the same length lie side by side.
		group := uint32(1)<<bits.Len32(b) - 1
		n := min(pages, min(group, r.maxBucket)-b+1)
		first := r.page(b)
		if first == 0 || first > r.last || n > r.last-first+1 {
			return r.corrupt(int64(96+4*bits.Len32(b)), 0, fmt.Sprintf("buckets %d to %d on pages 1 to %d", b, b+n-1, r.last), fmt.Sprintf("pages from %d", first))
		}
		buf := r.ahead[:int(n)*r.pageSize]
		if err := r.read(buf, int64(first)*int64(r.pageSize)); err != nil {
			return err
		}
		for i := range n {
			if err := r.bucketAt(b+i, first+i, buf[int(i)*r.pageSize:][:r.pageSize]); err != nil {
				return err
			}
		}
		b += n
	}
	if err := r.rest(); err != nil {
		return err
	}
	if want, got := r.blanks.doubt(&r.bdbLayout, r.n); want != "" {
		return r.bad(r.page(r.blanks.likeliest), want, got)
	}
	if err := r.read(now[:], 0); err != nil {
		return err
	}
	if now != r.meta {
		return changed(r.name, "page 0 isn't what it was at first")
	}
	return nil
}

// bucketAt yields the entries of a bucket whose first page is given.
func (r *bdbReader) bucketAt(bucket, number uint32, page []byte) error {
	if r.blank(page) {
		if err := r.mark(number); err != nil {
			return err
		}
		if !r.blanks.add(&r.bdbLayout, bucket) {
			return r.bad(number, fmt.Sprintf("the page of bucket %d", bucket), "zeros")
		}
		return nil
	}
	r.keys = r.keys[:0]
	chained := r.u32(page[16:]) != 0
	for prev := uint32(0); ; {
		if err := r.mark(number); err != nil {
			return err
		}
		if err := r.hashPage(bucket, number, prev, page, chained); err != nil {
			return err
		}
		next := r.u32(page[16:])
		if next == 0 {
			break
		}
		prev, number, page = number, next, r.chain
		if err := r.load(number, prev, page); err != nil {
			return err
		}
	}
	slices.Sort(r.keys)
	for i := 1; i < len(r.keys); i++ {
		if r.keys[i] == r.keys[i-1] {
			return r.bad(r.page(bucket), fmt.Sprintf("each key once in bucket %d", bucket), "one twice")
		}
	}
	return nil
}

// hashPage yields the entries of one page of a bucket.
func (r *bdbReader) hashPage(bucket, number, prev uint32, page []byte, chained bool) error {
	if err := r.header(number, prev, page); err != nil {
		return err
	}
	kind := page[25]
	if kind != bdbPageSorted && kind != bdbPageUnsorted {
		return r.bad(number, "a hash page (type 2 or 13)", fmt.Sprintf("type %d", kind))
	}
	n, low := r.u16(page[20:]), r.u16(page[22:])
	if low == 0 {
		low = bdbMaxPageSize // which 16 bits can't hold
	}
	index := page[r.bdbLayout.header:]
	if n%2 != 0 || r.bdbLayout.header+2*n > low || low > r.pageSize {
		return r.bad(number, "an even number of items, and their index below the items", fmt.Sprintf("%d items, which begin at %d", n, low))
	}
	end := r.pageSize
	var last []byte // the key before
	var hashes [lanes]uint32
	var hashed bool
	for i := 0; i < n; i += 2 {
		lane := i / 2 % lanes
		if lane == 0 {
			hashes, hashed = r.laneHashes(page, index, i, n, end)
		}
		keyAt, valueAt := r.u16(index[2*i:]), r.u16(index[2*i+2:])
		if keyAt < low || keyAt >= end || valueAt < low || valueAt >= keyAt {
			return r.bad(number, fmt.Sprintf("items %d and %d one below the other between %d and %d", i, i+1, low, end), fmt.Sprintf("offsets %d and %d", keyAt, valueAt))
		}
		key, err := r.item(number, i, page[keyAt:end], &r.key)
		if err != nil {
			return err
		}
		if !hashed {
			hashes[lane] = bdbHash(key)
		}
		if b := r.bucket(hashes[lane]); b != bucket {
			return r.bad(number, fmt.Sprintf("keys of bucket %d", bucket), fmt.Sprintf("%s, which belongs to bucket %d", quote(key), b))
		}
		if page[keyAt] == bdbItemData {
			if kind == bdbPageSorted && last != nil && bdbCompare(last, key) >= 0 {
				return r.bad(number, "sorted keys, each once", fmt.Sprintf("%s after %s", quote(key), quote(last)))
			}
			last = key
		} else {
			last = nil
		}
		if chained || kind == bdbPageUnsorted {
			r.keys = append(r.keys, maphash.Bytes(r.seed, key))
		}
		value, err := r.item(number, i+1, page[valueAt:keyAt], &r.value)
		if err != nil {
			return err
		}
		end = valueAt
		r.n++
		if !r.yield(Entry{key, value}) {
			return errStop
		}
	}
	if end != low {
		return r.bad(number, fmt.Sprintf("the last of %d items at %d, where the page's header says", n, low), fmt.Sprintf("offset %d", end))
	}
	return nil
}

// item returns the content of an item of a page; if that lies on pages of its
// own, then in *long.
func (r *bdbReader) item(number uint32, i int, item []byte, long *[]byte) ([]byte, error) {
	switch {
	case item[0] == bdbItemData:
		return item[1:], nil
	case item[0] == bdbItemOffPage && len(item) == 12:
		b, err := r.offPage(number, r.u32(item[4:]), r.u32(item[8:]), (*long)[:0])
		*long = b
		return b, err
	}
	return nil, r.bad(number, fmt.Sprintf("item %d to be data on this page or others (type 1 or 3)", i), fmt.Sprintf("type %d, %d bytes", item[0], len(item)))
}

// offPage appends to b the item of that length that begins on page number; an
// item on page owner says so.
func (r *bdbReader) offPage(owner, number, length uint32, b []byte) ([]byte, error) {
	if length > MaxItem {
		return b, r.bad(owner, fmt.Sprintf("items of at most %d bytes", MaxItem), fmt.Sprint(length))
	}
	for prev := uint32(0); len(b) < int(length); {
		if err := r.load(number, owner, r.over); err != nil {
			return b, err
		}
		if err := r.mark(number); err != nil {
			return b, err
		}
		if err := r.header(number, prev, r.over); err != nil {
			return b, err
		}
		if kind := r.over[25]; kind != bdbPageOverflow {
			return b, r.bad(number, "an overflow page (type 7)", fmt.Sprintf("type %d", kind))
		}
		n, left := r.u16(r.over[22:]), int(length)-len(b)
		if n == 0 || n > left || n > r.pageSize-r.bdbLayout.header {
			return b, r.bad(number, fmt.Sprintf("the last %d bytes of an item or some of them", left), fmt.Sprint(n))
		}
		b = append(b, r.over[r.bdbLayout.header:][:n]...)
		prev, owner, number = number, number, r.u32(r.over[16:])
	}
	if number != 0 {
		return b, r.bad(owner, fmt.Sprintf("the end of an item of %d bytes", length), fmt.Sprintf("a link to page %d", number))
	}
	return b, nil
}

// rest checks the pages that are in no chain: all must be empty.
func (r *bdbReader) rest() error {
	perRead := uint32(len(r.ahead) / r.pageSize)
	for number := uint32(1); number <= r.last; number++ {
		if r.seen.has(number) {
			continue
		}
		n := uint32(1)
		for n < perRead && r.last-number >= n && !r.seen.has(number+n) {
			n++
		}
		buf := r.ahead[:int(n)*r.pageSize]
		if err := r.read(buf, int64(number)*int64(r.pageSize)); err != nil {
			return err
		}
		for i := range n {
			page := buf[int(i)*r.pageSize:][:r.pageSize]
			kind, items := page[25], r.u16(page[20:])
			hash := kind == bdbPageSorted || kind == bdbPageUnsorted
			if !r.blank(page) && kind != bdbPageFree && (!hash || items != 0) {
				return r.bad(number+i, "an empty page, since it is in no chain", fmt.Sprintf("type %d, %d items", kind, items))
			}
		}
		number += n - 1
	}
	return nil
}

// load reads a page to which another one refers.
func (r *bdbReader) load(number, from uint32, page []byte) error {
	if number == 0 || number > r.last {
		return r.bad(from, fmt.Sprintf("the number of a page from 1 to %d", r.last), fmt.Sprint(number))
	}
	return r.read(page, int64(number)*int64(r.pageSize))
}

// mark notes that a page was met, which may happen once.
func (r *bdbReader) mark(number uint32) error {
	if r.seen.set(number) {
		return r.bad(number, "each page in one chain, once", "a second link to it")
	}
	return nil
}

// header checks what all pages have.
func (r *bdbReader) header(number, prev uint32, page []byte) error {
	if n := r.u32(page[8:]); n != number {
		return r.bad(number, "its own number", fmt.Sprint(n))
	}
	if n := r.u32(page[12:]); n != prev {
		return r.bad(number, fmt.Sprintf("a link back to page %d", prev), fmt.Sprint(n))
	}
	if !r.sums {
		return nil
	}
	if got, want := r.u32(page[28:]), bdbSum(page, 28); got != want {
		return r.bad(number, fmt.Sprintf("checksum %#x", want), fmt.Sprintf("%#x", got))
	}
	return nil
}

// blank tells whether a page is all zeros.
func (r *bdbReader) blank(page []byte) bool {
	if page[25] != 0 || r.u32(page[8:]) != 0 {
		return false
	}
	return bytes.Equal(page, r.zeros[:len(page)])
}

func (r *bdbReader) bad(page uint32, want, got string) error {
	return r.corrupt(int64(page)*int64(r.pageSize), int64(page), want, got)
}
