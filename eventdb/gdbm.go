package eventdb

import (
	"encoding/binary"
	"fmt"
)

// The file format of GDBM is described by gdbmdefs.h of its sources and by the
// chapter "Database format" of its manual; its extendible hashing by R. Fagin
// and others, "Extendible Hashing", ACM TODS 4(3), 1979.
//
// A header says where the directory is: a table of 2^bits places of buckets,
// which the first bits of a key's hash index. A bucket of fewer bits is named
// by as many neighbouring entries of the directory as those bits leave open.
// It is a hash table with open addressing of elements that give a key's hash,
// its first four bytes, and where key and value lie, one behind the other.
// Numbers are in the byte order, and file offsets of the size, of the machine
// that made the file. An extended header has 32 more bytes (the number of
// syncs) before the list of free space, which a reader has no use for.

// Magic numbers. The old one says nothing of the size of offsets.
const (
	gdbmMagicOld     = 0x13579ace
	gdbmMagic32      = 0x13579acd
	gdbmMagic64      = 0x13579acf
	gdbmMagicSyncs32 = 0x13579ad0
	gdbmMagicSyncs64 = 0x13579ad1
)

const (
	gdbmHeader     = 40 // most bytes of a header that are read
	gdbmMaxBits    = 30
	gdbmMinBlock   = 128      // bytes; less can't hold a bucket
	gdbmMaxBlock   = 64 << 20 // bytes
	gdbmHashBits   = 31
	gdbmEmpty      = 0xffffffff // the hash of an element that holds nothing
	gdbmStart      = 4          // bytes of its key in an element
	gdbmBucketFree = 6          // pieces of free space noted in a bucket
)

// gdbmLayout is what the header says, and what follows from it.
type gdbmLayout struct {
	big  bool // numbers are big-endian
	wide bool // offsets have 64 bits
	sync bool // the header is extended

	dir         int64 // offset of the directory
	dirBits     int
	bucketSize  int // bytes
	bucketElems int
	next        int64 // offset of the end of what was allocated

	bitsAt  int // offset in a bucket of its number of bits; its count follows
	tableAt int // offset in a bucket of its elements
	elem    int // bytes of an element
}

func (l *gdbmLayout) u32(b []byte) uint32 {
	if l.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

// offset reads a file offset, which has l.word() bytes.
func (l *gdbmLayout) offset(b []byte) int64 {
	switch {
	case !l.wide:
		return int64(int32(l.u32(b)))
	case l.big:
		return int64(binary.BigEndian.Uint64(b))
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// word is the number of bytes of a file offset.
func (l *gdbmLayout) word() int {
	if l.wide {
		return 8
	}
	return 4
}

// nameAt is the offset of entry i of the directory.
func (l *gdbmLayout) nameAt(i int) int64 { return l.dir + int64(i)*int64(l.word()) }

// isGDBM reports whether a file that begins with head is GDBM's.
func isGDBM(head []byte) bool {
	var l gdbmLayout
	return len(head) >= 4 && l.magic(head)
}

// magic takes the byte order and the kind of file from its first four bytes.
func (l *gdbmLayout) magic(head []byte) bool {
	for _, l.big = range []bool{false, true} {
		switch l.u32(head) {
		case gdbmMagicSyncs64, gdbmMagicSyncs32:
			l.sync = true
			fallthrough
		case gdbmMagic64, gdbmMagic32, gdbmMagicOld:
			magic := l.u32(head)
			l.wide = magic == gdbmMagic64 || magic == gdbmMagicSyncs64
			return true
		}
	}
	return false
}

// decode reads the header. What it finds wrong is returned as offset, wanted
// and got.
func (l *gdbmLayout) decode(head []byte, fileSize int64) (offset int64, want, got string) {
	if !l.magic(head) {
		return 0, "the magic number of a GDBM file", fmt.Sprintf("% x", head[:4])
	}
	if l.u32(head) == gdbmMagicOld {
		// Its directory has a size only in the layout that it is in.
		l.wide = uint64(l.u32(head[16:])) == 8<<min(l.u32(head[20:]), gdbmMaxBits)
	}
	at := 8 + l.word() // of what follows the directory's offset
	block, dirSize := l.u32(head[4:]), l.u32(head[at:])
	bits, elems := l.u32(head[at+4:]), l.u32(head[at+12:])
	l.dir = l.offset(head[8:])
	l.next = l.offset(head[at+16:])
	size := l.u32(head[at+8:])
	switch {
	case block < gdbmMinBlock || block > gdbmMaxBlock:
		return 4, fmt.Sprintf("a block size from %d to %d", gdbmMinBlock, gdbmMaxBlock), fmt.Sprint(block)
	case bits > gdbmMaxBits:
		return int64(at + 4), fmt.Sprintf("a directory of at most %d bits", gdbmMaxBits), fmt.Sprint(bits)
	case uint64(dirSize) != uint64(l.word())<<bits:
		return int64(at), fmt.Sprintf("a directory of %d bytes, since it has %d bits", uint64(l.word())<<bits, bits),
			fmt.Sprint(dirSize)
	case l.dir <= 0 || l.dir > fileSize-int64(dirSize):
		return 8, fmt.Sprintf("a directory of %d bytes within the file's %d", dirSize, fileSize),
			fmt.Sprintf("offset %d", l.dir)
	case size < gdbmMinBlock || size > gdbmMaxBlock || int64(size) > fileSize:
		return int64(at + 8), fmt.Sprintf("a bucket size from %d to %d", gdbmMinBlock, min(gdbmMaxBlock, fileSize)),
			fmt.Sprint(size)
	case l.next < fileSize:
		return int64(at + 16), fmt.Sprintf("a file of at most %d bytes, which are allocated", l.next),
			fmt.Sprintf("one of %d", fileSize)
	}
	l.dirBits, l.bucketSize = int(bits), int(size)
	// A bucket: the number of its pieces of free space, these (size and
	// offset, each aligned as an offset), its bits, its count, its elements.
	l.bitsAt = l.word() + gdbmBucketFree*2*l.word()
	l.elem = 16 + l.word()
	// On 32-bit x86 offsets of 64 bits are aligned as those of 32. The file is from
	// there if its buckets have an element or two more, for which that makes room.
	if packed := 4 + gdbmBucketFree*(4+l.word()); int64(elems) == int64((l.bucketSize-packed-8)/l.elem) {
		l.bitsAt = packed
	}
	l.tableAt = l.bitsAt + 8
	if most := (l.bucketSize - l.tableAt) / l.elem; elems == 0 || int64(elems) > int64(most) {
		return int64(at + 12), fmt.Sprintf("1 to %d elements in a bucket", most), fmt.Sprint(elems)
	}
	l.bucketElems = int(elems)
	return 0, "", ""
}

// gdbmHashes are the two hashes that GDBM's function may give a key: it takes
// bytes as C's char, whose sign depends on the machine.
//
// The function adds up a key's bytes, each shifted by five bits more than the
// one before, modulo 24, so that the weights repeat after three words of eight
// bytes. A multiplication weighs two bytes of a word at once, four apart, whose
// sum is in the upper half of the product: the lower halves of four of them
// don't add up to a carry.
func gdbmHashes(key []byte) (signed, unsigned uint32) {
	const (
		two  = 0x000000ff000000ff
		sign = 0x8080808080808080
	)
	h, signs, n := uint32(0x238F13AF)*uint32(len(key)), uint64(0), 0
	for rest := key; len(rest) >= 8; rest = rest[8:] {
		x, w := binary.LittleEndian.Uint64(rest), &gdbmWords[n/8%3]
		signs |= x
		h += uint32((x&two*w[0] + x>>8&two*w[1] + x>>16&two*w[2] + x>>24&two*w[3]) >> 32)
		n += 8
	}
	for ; n < len(key); n++ {
		signs |= uint64(key[n])
		h += uint32(key[n]) << gdbmShift(n)
	}
	unsigned = ((h&0x7fffffff)*1103515243 + 12345) & 0x7fffffff
	if signs&sign == 0 {
		return unsigned, unsigned
	}
	for i, c := range key {
		if c >= 0x80 {
			h -= 1 << 8 << gdbmShift(i)
		}
	}
	return ((h&0x7fffffff)*1103515243 + 12345) & 0x7fffffff, unsigned
}

// gdbmShift is by how many bits the byte i of a key is shifted.
func gdbmShift(i int) int { return i * 5 % 24 }

// gdbmWords are the weights of the bytes of three words. Each has those of
// bytes i, in its upper half, and i+4.
var gdbmWords = func() (words [3][4]uint64) {
	for w := range words {
		for i := range words[w] {
			words[w][i] = 1<<(32+gdbmShift(8*w+i)) | 1<<gdbmShift(8*w+i+4)
		}
	}
	return words
}()
