package eventdb

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
)

// bdbMaxBucket is how many entries a bucket of several pages may have, which
// bounds the memory that their hashes take. Berkeley DB means a bucket to have
// a page or two.
const bdbMaxBucket = 1 << 20

// A bdbWalk is one pass through the file.
type bdbWalk struct {
	*bdbReader
	yield func(Entry) bool
	n     uint64 // entries so far
	seen  bitmap // pages met so far
	empty emptyBuckets
	ahead []byte   // bucket pages
	chain []byte   // the page in hand of a bucket's chain
	over  []byte   // the page in hand of an item's chain
	key   []byte   // a key too long for its page
	value []byte   // a value too long for its page
	keys  []uint64 // of a bucket, those that aren't sorted
}

// walk yields the entries bucket by bucket, and then looks for what is missing.
func (r *bdbReader) walk(yield func(Entry) bool) error {
	w := &bdbWalk{
		bdbReader: r, yield: yield,
		ahead: make([]byte, max(bdbAhead/r.pageSize, 1)*r.pageSize),
		chain: make([]byte, r.pageSize),
		over:  make([]byte, r.pageSize),
	}
	w.seen.set(0)
	if err := w.buckets(); err != nil {
		return err
	}
	if err := w.unchained(); err != nil {
		return err
	}
	if bucket, want, got := w.empty.doubt(&r.bdbLayout, w.n); want != "" {
		return r.bad(r.page(bucket), want, got)
	}
	if elements, kept := r.count(w.n, w.empty.highestZeros); kept && elements != w.n {
		return r.corrupt(88, 0, fmt.Sprintf("the number of entries, %d", w.n), fmt.Sprint(elements))
	}
	return nil
}

// buckets yields the entries of all buckets.
func (w *bdbWalk) buckets() error {
	pages, end := uint32(len(w.ahead)/w.pageSize), w.maxBucket+1
	for b := uint32(0); b < end; {
		// Buckets whose numbers have the same length lie side by side.
		group := uint32(1)<<bits.Len32(b) - 1
		n := min(pages, min(group, w.maxBucket)-b+1)
		first := w.page(b)
		if first == 0 || first > w.last || n > w.last-first+1 {
			return w.corrupt(int64(96+4*bits.Len32(b)), 0,
				fmt.Sprintf("buckets %d to %d on pages 1 to %d", b, b+n-1, w.last), fmt.Sprintf("pages from %d", first))
		}
		buf := w.ahead[:int(n)*w.pageSize]
		if err := w.read(buf, int64(first)*int64(w.pageSize)); err != nil {
			return err
		}
		for i := range n {
			if err := w.bucketAt(b+i, first+i, buf[int(i)*w.pageSize:][:w.pageSize]); err != nil {
				return err
			}
		}
		b += n
	}
	return nil
}

// bucketAt yields the entries of a bucket whose first page is given.
func (w *bdbWalk) bucketAt(bucket, number uint32, page []byte) error {
	if w.blank(page) {
		if err := w.mark(number); err != nil {
			return err
		}
		w.empty.add(&w.bdbLayout, bucket, true)
		return nil
	}
	w.keys = w.keys[:0]
	before := w.n
	chained := w.u32(page[16:]) != 0
	for prev := uint32(0); ; {
		if err := w.mark(number); err != nil {
			return err
		}
		if err := w.hashPage(bucket, number, prev, page, chained); err != nil {
			return err
		}
		if len(w.keys) > bdbMaxBucket {
			return w.bad(number, fmt.Sprintf("at most %d entries in bucket %d", bdbMaxBucket, bucket), "more")
		}
		next := w.u32(page[16:])
		if next == 0 {
			break
		}
		prev, number, page = number, next, w.chain
		if err := w.load(number, prev, page); err != nil {
			return err
		}
	}
	if w.n == before {
		w.empty.add(&w.bdbLayout, bucket, false)
	}
	slices.Sort(w.keys)
	for i := 1; i < len(w.keys); i++ {
		if w.keys[i] == w.keys[i-1] {
			return w.bad(w.page(bucket), fmt.Sprintf("each key once in bucket %d", bucket), "one twice")
		}
	}
	return nil
}

// hashPage yields the entries of one page of a bucket.
func (w *bdbWalk) hashPage(bucket, number, prev uint32, page []byte, chained bool) error {
	if err := w.header(number, prev, page); err != nil {
		return err
	}
	kind := page[25]
	if kind != bdbPageSorted && kind != bdbPageUnsorted {
		return w.bad(number, "a hash page (type 2 or 13)", fmt.Sprintf("type %d", kind))
	}
	n, low := w.u16(page[20:]), w.u16(page[22:])
	if n == 0 && chained {
		return w.bad(number, "entries, since its bucket has several pages", "none")
	}
	if low == 0 {
		low = bdbMaxPageSize // which 16 bits can't hold
	}
	index := page[w.bdbLayout.header:]
	if n%2 != 0 || w.bdbLayout.header+2*n > low || low > w.pageSize {
		return w.bad(number, "an even number of items, and their index below the items",
			fmt.Sprintf("%d items, which begin at %d", n, low))
	}
	end := w.pageSize
	var last []byte // the key before
	ordered := kind == bdbPageSorted && !chained
	var hashes [4]uint32
	var hashed bool
	for i := 0; i < n; i += 2 {
		if i%8 == 0 {
			hashes, hashed = w.hash4(page, index, i, n, end)
		}
		keyAt, valueAt := w.u16(index[2*i:]), w.u16(index[2*i+2:])
		if keyAt < low || keyAt >= end || valueAt < low || valueAt >= keyAt {
			return w.bad(number, fmt.Sprintf("items %d and %d one below the other between %d and %d", i, i+1, low, end),
				fmt.Sprintf("offsets %d and %d", keyAt, valueAt))
		}
		key, err := w.item(number, i, page[keyAt:end], &w.key)
		if err != nil {
			return err
		}
		hash := hashes[i/2%4]
		if !hashed {
			hash = bdbHash(key)
		}
		if b := w.bucket(hash); b != bucket {
			return w.bad(number, fmt.Sprintf("keys of bucket %d", bucket),
				fmt.Sprintf("%s, which belongs to bucket %d", quote(key), b))
		}
		long := page[keyAt] != bdbItemData
		if long && ordered {
			// Others compare a long key otherwise than bdbCompare if one of two
			// begins with the other, so that short ones may be in no order around
			// it, too.
			ordered = false
			w.shortKeys(page, index, i)
		}
		if kind == bdbPageSorted && !long && last != nil && bdbCompare(last, key) >= 0 {
			return w.bad(number, "sorted keys, each once", fmt.Sprintf("%s after %s", quote(key), quote(last)))
		}
		if last = key; long {
			last = nil
		}
		if !ordered {
			w.keys = append(w.keys, maphash.Bytes(w.seed, key))
		}
		value, err := w.item(number, i+1, page[valueAt:keyAt], &w.value)
		if err != nil {
			return err
		}
		end = valueAt
		w.n++
		if !w.yield(Entry{key, value}) {
			return errStop
		}
	}
	if end != low {
		return w.bad(number, fmt.Sprintf("the last of %d items at %d, where the page's header says", n, low),
			fmt.Sprintf("offset %d", end))
	}
	return nil
}

// shortKeys adds to w.keys the keys of a page before item i, all of which are
// on the page itself.
func (w *bdbWalk) shortKeys(page, index []byte, i int) {
	for j, end := 0, w.pageSize; j < i; j += 2 {
		keyAt := w.u16(index[2*j:])
		w.keys = append(w.keys, maphash.Bytes(w.seed, page[keyAt+1:end]))
		end = w.u16(index[2*j+2:])
	}
}

// item returns the content of an item of a page; if that lies on pages of its
// own, then in *long.
func (w *bdbWalk) item(number uint32, i int, item []byte, long *[]byte) ([]byte, error) {
	switch {
	case item[0] == bdbItemData:
		return item[1:], nil
	case item[0] == bdbItemOffPage && len(item) == 12:
		b, err := w.offPage(number, w.u32(item[4:]), w.u32(item[8:]), (*long)[:0])
		*long = b
		return b, err
	}
	return nil, w.bad(number, fmt.Sprintf("item %d to be data on this page or others (type 1 or 3)", i),
		fmt.Sprintf("type %d, %d bytes", item[0], len(item)))
}

// offPage appends to b the item of that length that begins on page number; an
// item on page owner says so.
func (w *bdbWalk) offPage(owner, number, length uint32, b []byte) ([]byte, error) {
	if length > MaxItem {
		return b, w.bad(owner, fmt.Sprintf("items of at most %d bytes", MaxItem), fmt.Sprint(length))
	}
	for prev := uint32(0); len(b) < int(length); {
		if err := w.load(number, owner, w.over); err != nil {
			return b, err
		}
		if err := w.mark(number); err != nil {
			return b, err
		}
		if err := w.header(number, prev, w.over); err != nil {
			return b, err
		}
		if kind := w.over[25]; kind != bdbPageOverflow {
			return b, w.bad(number, "an overflow page (type 7)", fmt.Sprintf("type %d", kind))
		}
		n, left := w.u16(w.over[22:]), int(length)-len(b)
		if n == 0 || n > left || n > w.pageSize-w.bdbLayout.header {
			return b, w.bad(number, fmt.Sprintf("the last %d bytes of an item or some of them", left), fmt.Sprint(n))
		}
		b = append(b, w.over[w.bdbLayout.header:][:n]...)
		prev, owner, number = number, number, w.u32(w.over[16:])
	}
	if number != 0 {
		return b, w.bad(owner, fmt.Sprintf("the end of an item of %d bytes", length),
			fmt.Sprintf("a link to page %d", number))
	}
	return b, nil
}

// unchained checks the pages that are in no chain: all must be empty.
func (w *bdbWalk) unchained() error {
	perRead := uint32(len(w.ahead) / w.pageSize)
	for number := uint32(1); number <= w.last; number++ {
		if w.seen.has(number) {
			continue
		}
		n := uint32(1)
		for n < perRead && w.last-number >= n && !w.seen.has(number+n) {
			n++
		}
		buf := w.ahead[:int(n)*w.pageSize]
		if err := w.read(buf, int64(number)*int64(w.pageSize)); err != nil {
			return err
		}
		for i := range n {
			page := buf[int(i)*w.pageSize:][:w.pageSize]
			kind, items := page[25], w.u16(page[20:])
			hash := kind == bdbPageSorted || kind == bdbPageUnsorted
			if !w.blank(page) && kind != bdbPageFree && (!hash || items != 0) {
				return w.bad(number+i, "an empty page, since it is in no chain",
					fmt.Sprintf("type %d, %d items", kind, items))
			}
		}
		number += n - 1
	}
	return nil
}

// mark notes that a page was met, which may happen once.
func (w *bdbWalk) mark(number uint32) error {
	if w.seen.set(number) {
		return w.twice(number)
	}
	return nil
}

// blank reports whether a page is all zeros.
func (w *bdbWalk) blank(page []byte) bool {
	if page[25] != 0 || w.u32(page[8:]) != 0 {
		return false
	}
	// Each byte is the one before.
	return page[0] == 0 && bytes.Equal(page[1:], page[:len(page)-1])
}
