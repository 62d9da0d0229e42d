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

// A bdbPart reads some of the buckets.
type bdbPart struct {
	*bdbReader
	yield  func(Entry) bool
	n      uint64 // entries so far
	seen   bitmap // pages met so far
	blanks blanks
	ahead  []byte   // bucket pages
	chain  []byte   // the page in hand of a bucket's chain
	over   []byte   // the page in hand of an item's chain
	key    []byte   // a key too long for its page
	value  []byte   // a value too long for its page
	keys   []uint64 // of a bucket, those that aren't sorted
}

func newBDBPart(r *bdbReader, yield func(Entry) bool) bdbPart {
	return bdbPart{
		bdbReader: r, yield: yield,
		ahead: make([]byte, max(bdbAhead/r.pageSize, 1)*r.pageSize),
		chain: make([]byte, r.pageSize),
		over:  make([]byte, r.pageSize),
	}
}

// walk yields the entries of the buckets from one to before another.
func (p *bdbPart) walk(from, to uint32) error {
	pages := uint32(len(p.ahead) / p.pageSize)
	for b := from; b < to; {
		// Buckets whose numbers have the same length lie side by side.
		group := uint32(1)<<bits.Len32(b) - 1
		n := min(pages, min(group, to-1)-b+1)
		first := p.page(b)
		if first == 0 || first > p.last || n > p.last-first+1 {
			return p.corrupt(int64(96+4*bits.Len32(b)), 0, fmt.Sprintf("buckets %d to %d on pages 1 to %d", b, b+n-1, p.last), fmt.Sprintf("pages from %d", first))
		}
		buf := p.ahead[:int(n)*p.pageSize]
		if err := p.read(buf, int64(first)*int64(p.pageSize)); err != nil {
			return err
		}
		for i := range n {
			if err := p.bucketAt(b+i, first+i, buf[int(i)*p.pageSize:][:p.pageSize]); err != nil {
				return err
			}
		}
		b += n
	}
	return nil
}

// merge adds what another part has met. No page may be in both.
func (p *bdbPart) merge(o *bdbPart) error {
	if number, twice := p.seen.merge(&o.seen); twice {
		return p.twice(number)
	}
	p.n += o.n
	p.blanks.merge(&o.blanks)
	return nil
}

// bucketAt yields the entries of a bucket whose first page is given.
func (p *bdbPart) bucketAt(bucket, number uint32, page []byte) error {
	if p.blank(page) {
		if err := p.mark(number); err != nil {
			return err
		}
		if !p.blanks.add(&p.bdbLayout, bucket) {
			return p.bad(number, fmt.Sprintf("the page of bucket %d", bucket), "zeros")
		}
		return nil
	}
	p.keys = p.keys[:0]
	chained := p.u32(page[16:]) != 0
	for prev := uint32(0); ; {
		if err := p.mark(number); err != nil {
			return err
		}
		if err := p.hashPage(bucket, number, prev, page, chained); err != nil {
			return err
		}
		if len(p.keys) > bdbMaxBucket {
			return p.bad(number, fmt.Sprintf("at most %d entries in bucket %d", bdbMaxBucket, bucket), "more")
		}
		next := p.u32(page[16:])
		if next == 0 {
			break
		}
		prev, number, page = number, next, p.chain
		if err := p.load(number, prev, page); err != nil {
			return err
		}
	}
	slices.Sort(p.keys)
	for i := 1; i < len(p.keys); i++ {
		if p.keys[i] == p.keys[i-1] {
			return p.bad(p.page(bucket), fmt.Sprintf("each key once in bucket %d", bucket), "one twice")
		}
	}
	return nil
}

// hashPage yields the entries of one page of a bucket.
func (p *bdbPart) hashPage(bucket, number, prev uint32, page []byte, chained bool) error {
	if err := p.header(number, prev, page); err != nil {
		return err
	}
	kind := page[25]
	if kind != bdbPageSorted && kind != bdbPageUnsorted {
		return p.bad(number, "a hash page (type 2 or 13)", fmt.Sprintf("type %d", kind))
	}
	n, low := p.u16(page[20:]), p.u16(page[22:])
	if low == 0 {
		low = bdbMaxPageSize // which 16 bits can't hold
	}
	index := page[p.bdbLayout.header:]
	if n%2 != 0 || p.bdbLayout.header+2*n > low || low > p.pageSize {
		return p.bad(number, "an even number of items, and their index below the items", fmt.Sprintf("%d items, which begin at %d", n, low))
	}
	end := p.pageSize
	var last []byte // the key before
	ordered := kind == bdbPageSorted && !chained
	var hashes [lanes]uint32
	var hashed bool
	for i := 0; i < n; i += 2 {
		lane := i / 2 % lanes
		if lane == 0 {
			hashes, hashed = p.laneHashes(page, index, i, n, end)
		}
		keyAt, valueAt := p.u16(index[2*i:]), p.u16(index[2*i+2:])
		if keyAt < low || keyAt >= end || valueAt < low || valueAt >= keyAt {
			return p.bad(number, fmt.Sprintf("items %d and %d one below the other between %d and %d", i, i+1, low, end), fmt.Sprintf("offsets %d and %d", keyAt, valueAt))
		}
		key, err := p.item(number, i, page[keyAt:end], &p.key)
		if err != nil {
			return err
		}
		if !hashed {
			hashes[lane] = bdbHash(key)
		}
		if b := p.bucket(hashes[lane]); b != bucket {
			return p.bad(number, fmt.Sprintf("keys of bucket %d", bucket), fmt.Sprintf("%s, which belongs to bucket %d", quote(key), b))
		}
		long := page[keyAt] != bdbItemData
		if long && ordered {
			// Others compare a long key otherwise than bdbCompare if one of two
			// begins with the other, so that short ones may be in no order around
			// it, too.
			ordered = false
			p.shortKeys(page, index, i)
		}
		if kind == bdbPageSorted && !long && last != nil && bdbCompare(last, key) >= 0 {
			return p.bad(number, "sorted keys, each once", fmt.Sprintf("%s after %s", quote(key), quote(last)))
		}
		if last = key; long {
			last = nil
		}
		if !ordered {
			p.keys = append(p.keys, maphash.Bytes(p.seed, key))
		}
		value, err := p.item(number, i+1, page[valueAt:keyAt], &p.value)
		if err != nil {
			return err
		}
		end = valueAt
		p.n++
		if !p.yield(Entry{key, value}) {
			return errStop
		}
	}
	if end != low {
		return p.bad(number, fmt.Sprintf("the last of %d items at %d, where the page's header says", n, low), fmt.Sprintf("offset %d", end))
	}
	return nil
}

// shortKeys adds to p.keys the keys of a page before item i, all of which are
// on the page itself.
func (p *bdbPart) shortKeys(page, index []byte, i int) {
	for j, end := 0, p.pageSize; j < i; j += 2 {
		keyAt := p.u16(index[2*j:])
		p.keys = append(p.keys, maphash.Bytes(p.seed, page[keyAt+1:end]))
		end = p.u16(index[2*j+2:])
	}
}

// item returns the content of an item of a page; if that lies on pages of its
// own, then in *long.
func (p *bdbPart) item(number uint32, i int, item []byte, long *[]byte) ([]byte, error) {
	switch {
	case item[0] == bdbItemData:
		return item[1:], nil
	case item[0] == bdbItemOffPage && len(item) == 12:
		b, err := p.offPage(number, p.u32(item[4:]), p.u32(item[8:]), (*long)[:0])
		*long = b
		return b, err
	}
	return nil, p.bad(number, fmt.Sprintf("item %d to be data on this page or others (type 1 or 3)", i), fmt.Sprintf("type %d, %d bytes", item[0], len(item)))
}

// offPage appends to b the item of that length that begins on page number; an
// item on page owner says so.
func (p *bdbPart) offPage(owner, number, length uint32, b []byte) ([]byte, error) {
	if length > MaxItem {
		return b, p.bad(owner, fmt.Sprintf("items of at most %d bytes", MaxItem), fmt.Sprint(length))
	}
	for prev := uint32(0); len(b) < int(length); {
		if err := p.load(number, owner, p.over); err != nil {
			return b, err
		}
		if err := p.mark(number); err != nil {
			return b, err
		}
		if err := p.header(number, prev, p.over); err != nil {
			return b, err
		}
		if kind := p.over[25]; kind != bdbPageOverflow {
			return b, p.bad(number, "an overflow page (type 7)", fmt.Sprintf("type %d", kind))
		}
		n, left := p.u16(p.over[22:]), int(length)-len(b)
		if n == 0 || n > left || n > p.pageSize-p.bdbLayout.header {
			return b, p.bad(number, fmt.Sprintf("the last %d bytes of an item or some of them", left), fmt.Sprint(n))
		}
		b = append(b, p.over[p.bdbLayout.header:][:n]...)
		prev, owner, number = number, number, p.u32(p.over[16:])
	}
	if number != 0 {
		return b, p.bad(owner, fmt.Sprintf("the end of an item of %d bytes", length), fmt.Sprintf("a link to page %d", number))
	}
	return b, nil
}

// rest checks the pages that are in no chain: all must be empty.
func (p *bdbPart) rest() error {
	perRead := uint32(len(p.ahead) / p.pageSize)
	for number := uint32(1); number <= p.last; number++ {
		if p.seen.has(number) {
			continue
		}
		n := uint32(1)
		for n < perRead && p.last-number >= n && !p.seen.has(number+n) {
			n++
		}
		buf := p.ahead[:int(n)*p.pageSize]
		if err := p.read(buf, int64(number)*int64(p.pageSize)); err != nil {
			return err
		}
		for i := range n {
			page := buf[int(i)*p.pageSize:][:p.pageSize]
			kind, items := page[25], p.u16(page[20:])
			hash := kind == bdbPageSorted || kind == bdbPageUnsorted
			if !p.blank(page) && kind != bdbPageFree && (!hash || items != 0) {
				return p.bad(number+i, "an empty page, since it is in no chain", fmt.Sprintf("type %d, %d items", kind, items))
			}
		}
		number += n - 1
	}
	return nil
}

// mark notes that a page was met, which may happen once.
func (p *bdbPart) mark(number uint32) error {
	if p.seen.set(number) {
		return p.twice(number)
	}
	return nil
}

// blank tells whether a page is all zeros.
func (p *bdbPart) blank(page []byte) bool {
	if page[25] != 0 || p.u32(page[8:]) != 0 {
		return false
	}
	// Each byte is the one before.
	return page[0] == 0 && bytes.Equal(page[1:], page[:len(page)-1])
}
