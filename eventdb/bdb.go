package eventdb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// The file format of Berkeley DB's hash access method is described by the
// header dbinc/db_page.h of its sources (DBMETA33, HMETA33, PAGE, HKEYDATA,
// HOFFPAGE) and by its "Programmer's Reference Guide"; the splitting of buckets
// by P.-Å. Larson, "Dynamic Hash Tables", CACM 31(4), 1988.
//
// A file is a sequence of pages. Page 0 is the metadata; it says how many
// buckets there are, and spares[k] is what to add to the number of a bucket of
// k bits to get its page. A bucket is a chain of pages that begins there. A
// hash page holds pairs of items, key and data, from its end downwards, and an
// index of their offsets from its start upwards; since version 9 sorted by
// key. An item too long for that lies on a chain of overflow pages of its own.
// Numbers are in the byte order of the machine that made the file.

const (
	bdbMagic       = 0x061561
	bdbMetaSize    = 512        // bytes of the metadata page that are used
	bdbCharKey     = 0x5e688dd1 // bdbHash("%$sniglet^&\x00"): the file's hash function is ours
	bdbHeader      = 26         // bytes of a page before its index
	bdbSums        = 32         // the same where pages have checksums
	bdbSpares      = 32
	bdbMinPageSize = 512
	bdbMaxPageSize = 64 << 10
	bdbMaxPages    = 1 << 31 // spares has no more lengths of a bucket's number
	bdbFlagSums    = 1       // metadata flag: pages have checksums
)

// Page types.
const (
	bdbPageFree     = 0
	bdbPageUnsorted = 2 // a hash page until version 8
	bdbPageOverflow = 7
	bdbPageMeta     = 8
	bdbPageSorted   = 13 // a hash page since version 9
)

// Item types.
const (
	bdbItemData    = 1
	bdbItemOffPage = 3
)

// bdbOther names a Berkeley DB file of another kind, of which head is the first
// bdbMetaSize bytes, or returns "".
func bdbOther(head []byte) string {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if order.Uint32(head) == bdbMagic { // its place until 2.0
			return "Berkeley DB 1.85 hash file, as Python on macOS writes (its dbm.ndbm can read it)"
		}
		switch order.Uint32(head[12:]) {
		case 0x053162:
			return "Berkeley DB B-tree"
		case 0x042253:
			return "Berkeley DB queue"
		case 0x074582:
			return "Berkeley DB heap"
		}
	}
	return ""
}

// bdbLayout is what the metadata page says.
type bdbLayout struct {
	version  uint32
	big      bool // numbers are big-endian
	pageSize int  // in bytes
	header   int  // bytes of a page before its index
	sums     bool // pages have checksums

	last      uint32 // number of the last page
	maxBucket uint32 // number of the last bucket
	highMask  uint32
	lowMask   uint32
	fill      uint32 // entries wanted in a bucket; 0: as many as fit
	elements  uint32 // not kept up by all writers
	spares    [bdbSpares]uint32
}

func (l *bdbLayout) u16(b []byte) int {
	if l.big {
		return int(binary.BigEndian.Uint16(b))
	}
	return int(binary.LittleEndian.Uint16(b))
}

func (l *bdbLayout) u32(b []byte) uint32 {
	if l.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

// bdbPrime is the multiplier of bdbHash.
const bdbPrime = 16777619

// bdbHash is the hash function of versions 6 and later: FNV-1 with a start of
// zero.
func bdbHash[T []byte | string](key T) uint32 {
	var h uint32
	for i := range len(key) {
		h = h*bdbPrime ^ uint32(key[i])
	}
	return h
}

// bdbCompare is the order of keys on a page: that of their bytes, but of two
// keys of which one begins with the other the longer comes first.
func bdbCompare(a, b []byte) int {
	n := min(len(a), len(b))
	if c := bytes.Compare(a[:n], b[:n]); c != 0 {
		return c
	}
	return cmp.Compare(len(b), len(a))
}

// bucket returns the bucket to which a key with that hash belongs.
func (l *bdbLayout) bucket(hash uint32) uint32 {
	b := hash & l.highMask
	if b > l.maxBucket {
		b &= l.lowMask
	}
	return b
}

// page returns the first page of a bucket.
func (l *bdbLayout) page(bucket uint32) uint32 {
	return bucket + l.spares[bits.Len32(bucket)]
}

// isBDB reports whether the first bdbMetaSize bytes are those of a hash file.
func isBDB(head []byte) bool {
	return binary.LittleEndian.Uint32(head[12:]) == bdbMagic || binary.BigEndian.Uint32(head[12:]) == bdbMagic
}

// decode reads the metadata page. What it finds wrong is returned as offset,
// wanted and got.
func (l *bdbLayout) decode(meta []byte, fileSize int64) (offset int64, want, got string) {
	switch {
	case binary.LittleEndian.Uint32(meta[12:]) == bdbMagic:
	case binary.BigEndian.Uint32(meta[12:]) == bdbMagic:
		l.big = true
	default:
		return 12, "the magic number of a Berkeley DB hash file", fmt.Sprintf("% x", meta[12:16])
	}
	l.version = l.u32(meta[16:])
	if l.version < 8 || l.version > 10 {
		return 16, "version 8, 9 or 10 of the hash format", fmt.Sprint(l.version)
	}
	size := l.u32(meta[20:])
	if size < bdbMinPageSize || size > bdbMaxPageSize || bits.OnesCount32(size) != 1 {
		return 20, "a page size that is a power of two from 512 to 65536", fmt.Sprint(size)
	}
	l.pageSize = int(size)
	if meta[24] != 0 {
		return 24, "a file that isn't encrypted", fmt.Sprintf("encryption %d", meta[24])
	}
	if meta[25] != bdbPageMeta {
		return 25, "page type 8 (hash metadata)", fmt.Sprint(meta[25])
	}
	l.header = bdbHeader
	switch meta[26] {
	case 0:
	case bdbFlagSums:
		l.sums, l.header = true, bdbSums
	default:
		return 26, "flags 0 or 1 (checksums)", fmt.Sprint(meta[26])
	}
	l.last = l.u32(meta[32:])
	if l.last >= bdbMaxPages {
		return 32, fmt.Sprintf("at most %d pages", int64(bdbMaxPages)), fmt.Sprintf("page %d", l.last)
	}
	if whole := (int64(l.last) + 1) * int64(size); whole != fileSize {
		return 32, fmt.Sprintf("a file of %d bytes, which is pages 0 to %d", whole, l.last),
			fmt.Sprintf("one of %d bytes", fileSize)
	}
	if n := l.u32(meta[36:]); n != 0 {
		return 36, "a database in one partition", fmt.Sprintf("%d partitions", n)
	}
	if flags := l.u32(meta[48:]); flags != 0 {
		return 48, "no flags (duplicate keys, sub-databases)", fmt.Sprintf("flags %#x", flags)
	}
	l.maxBucket = l.u32(meta[72:])
	l.highMask = l.u32(meta[76:])
	l.lowMask = l.u32(meta[80:])
	if l.maxBucket >= l.last {
		return 72, fmt.Sprintf("fewer than %d buckets, as there are pages", l.last),
			fmt.Sprintf("bucket %d", l.maxBucket)
	}
	if high := uint32(1)<<bits.Len32(l.maxBucket) - 1; l.highMask != high || l.lowMask != high>>1 {
		return 76, fmt.Sprintf("masks %#x and %#x, since the last bucket is %d", high, high>>1, l.maxBucket),
			fmt.Sprintf("%#x and %#x", l.highMask, l.lowMask)
	}
	l.fill = l.u32(meta[84:])
	l.elements = l.u32(meta[88:])
	if key := l.u32(meta[92:]); key != bdbCharKey {
		return 92, fmt.Sprintf("%#x, the mark of Berkeley DB's own hash function", uint32(bdbCharKey)),
			fmt.Sprintf("%#x", key)
	}
	for i := range l.spares {
		l.spares[i] = l.u32(meta[96+4*i:])
	}
	return 0, "", ""
}

// bdbSum returns the checksum of a page of a file that has them. The place of the
// checksum itself, at offset at, counts as zeros.
func bdbSum(page []byte, at int) uint32 {
	var h uint32
	for i, c := range page {
		if i >= at && i < at+4 {
			c = 0
		}
		h = h<<5 + h + uint32(c)
	}
	return h
}
