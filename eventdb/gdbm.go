package eventdb

import (
	"bytes"
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

// isGDBM tells whether a file that begins with head is GDBM's.
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

// decode reads the header. What it finds wrong is returned as offset, expected
// and found.
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
		return int64(at), fmt.Sprintf("a directory of %d bytes, since it has %d bits", uint64(l.word())<<bits, bits), fmt.Sprint(dirSize)
	case l.dir <= 0 || l.dir > fileSize-int64(dirSize):
		return 8, fmt.Sprintf("a directory of %d bytes within the file's %d", dirSize, fileSize), fmt.Sprintf("offset %d", l.dir)
	case size < gdbmMinBlock || size > gdbmMaxBlock || int64(size) > fileSize:
		return int64(at + 8), fmt.Sprintf("a bucket size from %d to %d", gdbmMinBlock, min(gdbmMaxBlock, fileSize)), fmt.Sprint(size)
	case l.next < fileSize:
		return int64(at + 16), fmt.Sprintf("a file of at most %d bytes, which are allocated", l.next), fmt.Sprintf("one of %d", fileSize)
	}
	l.dirBits, l.bucketSize = int(bits), int(size)
	// A bucket: the number of its pieces of free space, these (size and
	// offset, each aligned as an offset), its bits, its count, its elements.
	l.bitsAt = l.word() + gdbmBucketFree*2*l.word()
	l.tableAt = l.bitsAt + 8
	l.elem = 16 + l.word()
	if most := (l.bucketSize - l.tableAt) / l.elem; elems == 0 || int64(elems) > int64(most) {
		return int64(at + 12), fmt.Sprintf("1 to %d elements in a bucket", most), fmt.Sprint(elems)
	}
	l.bucketElems = int(elems)
	return 0, "", ""
}

// gdbmWeights are what the hash function multiplies a key's bytes by: a byte is
// shifted by five bits more than the one before, modulo 24.
var gdbmWeights = func() (w [24]uint32) {
	for i := range w {
		w[i] = 1 << (i * 5 % 24)
	}
	return w
}()

// gdbmHash is GDBM's hash function. It takes bytes as C's char, whose sign
// depends on the machine.
func gdbmHash(key []byte, signed bool) uint32 {
	h := uint32(0x238F13AF) * uint32(len(key))
	if signed {
		for ; len(key) >= len(gdbmWeights); key = key[len(gdbmWeights):] {
			for i, c := range (*[len(gdbmWeights)]byte)(key) {
				h += uint32(int32(int8(c))) * gdbmWeights[i]
			}
		}
		for i, c := range key {
			h += uint32(int32(int8(c))) * gdbmWeights[i]
		}
	} else {
		for i, c := range key {
			h += uint32(c) * gdbmWeights[i%len(gdbmWeights)]
		}
	}
	return ((h&0x7fffffff)*1103515243 + 12345) & 0x7fffffff
}

// gdbmReader reads a GDBM file.
//
// The file holds no count of its entries, but each bucket does. The reader also
// checks that the directory names each bucket as often as its bits ask for,
// that each key hashes to the bucket and can be found in its table, and that
// an element agrees with its key.
type gdbmReader struct {
	*cache
	gdbmLayout
	head   [gdbmHeader]byte
	bucket []byte
	dirBuf []byte
	yield  func(Entry) bool
}

func newGDBM(f *file) (*gdbmReader, error) {
	r := &gdbmReader{cache: newCache(f)}
	if err := f.read(r.head[:], 0); err != nil {
		return nil, err
	}
	if at, want, got := r.decode(r.head[:], f.size); want != "" {
		return nil, f.corrupt(at, -1, want, got)
	}
	return r, nil
}

func (r *gdbmReader) format() string {
	kind, order, syncs := "32-bit", "little-endian", ""
	if r.wide {
		kind = "64-bit"
	}
	if r.big {
		order = "big-endian"
	}
	if r.sync {
		syncs = ", numsync"
	}
	return fmt.Sprintf("GDBM (%s, %s%s)", kind, order, syncs)
}

func (r *gdbmReader) each(yield func(Entry) bool) error {
	if err := r.locked(); err != nil {
		return err
	}
	r.yield = yield
	return steadily(r.walk, r.file)
}

func (r *gdbmReader) walk() error {
	r.reset()
	if r.bucket == nil {
		r.bucket = make([]byte, r.bucketSize)
		r.dirBuf = make([]byte, min(cacheFrame, r.word()<<r.dirBits))
	}
	if err := r.same(); err != nil {
		return err
	}
	if err := r.directory(); err != nil {
		return err
	}
	return r.same()
}

// same returns an error if the header isn't what it was.
func (r *gdbmReader) same() error {
	var now [gdbmHeader]byte
	if err := r.read(now[:], 0); err != nil {
		return err
	}
	if now != r.head {
		return changed(r.name, "its header isn't what it was when the file was opened")
	}
	return nil
}

// directory yields the entries of every bucket.
func (r *gdbmReader) directory() error {
	perRead := len(r.dirBuf) / r.word()
	bucket, first, span := int64(0), 0, 0 // the bucket in hand, and how often it is named
	for i := range 1 << r.dirBits {
		if i%perRead == 0 {
			if err := r.read(r.dirBuf, r.dir+int64(i*r.word())); err != nil {
				return err
			}
		}
		at := r.offset(r.dirBuf[i%perRead*r.word():])
		if i < first+span {
			if at != bucket {
				return r.corrupt(r.dir+int64(i*r.word()), -1, fmt.Sprintf("bucket %d, named %d times", bucket, span), fmt.Sprint(at))
			}
			continue
		}
		if at <= 0 || at > r.size-int64(r.bucketSize) {
			return r.corrupt(r.dir+int64(i*r.word()), -1, fmt.Sprintf("the offset of a bucket of %d bytes within the file's %d", r.bucketSize, r.size), fmt.Sprint(at))
		}
		if err := r.read(r.bucket, at); err != nil {
			return err
		}
		bits := r.u32(r.bucket[r.bitsAt:])
		if int64(bits) > int64(r.dirBits) || i%(1<<(r.dirBits-int(bits))) != 0 {
			return r.corrupt(at+int64(r.bitsAt), -1, fmt.Sprintf("a number of bits that fits entry %d of a directory of %d bits", i, r.dirBits), fmt.Sprint(bits))
		}
		bucket, first, span = at, i, 1<<(r.dirBits-int(bits))
		if err := r.elements(at, int(bits), uint32(i)>>(r.dirBits-int(bits))); err != nil {
			return err
		}
	}
	return nil
}

// elements yields the entries of the bucket in hand, whose keys' hashes begin
// with prefix.
func (r *gdbmReader) elements(at int64, bits int, prefix uint32) error {
	table := r.bucket[r.tableAt:]
	count, n := r.u32(r.bucket[r.bitsAt+4:]), uint32(0)
	for i := range r.bucketElems {
		e := table[i*r.elem:][:r.elem]
		hash := r.u32(e)
		if hash == gdbmEmpty {
			continue
		}
		n++
		place := at + int64(r.tableAt+i*r.elem)
		if hash>>(gdbmHashBits-bits) != prefix {
			return r.corrupt(place, -1, fmt.Sprintf("a hash of 31 bits that begins with the %d bits %#b", bits, prefix), fmt.Sprintf("%#x", hash))
		}
		data, sizes := r.offset(e[8:]), e[8+r.word():]
		keySize, valueSize := r.u32(sizes), r.u32(sizes[4:])
		if keySize > MaxItem || valueSize > MaxItem {
			return r.corrupt(place, -1, fmt.Sprintf("a key and a value of at most %d bytes", MaxItem), fmt.Sprintf("%d and %d", keySize, valueSize))
		}
		if data <= 0 {
			return r.corrupt(place, -1, "the offset of a key", fmt.Sprint(data))
		}
		both, err := r.at(data, int(keySize)+int(valueSize))
		if err != nil {
			return err
		}
		key, value := both[:keySize:keySize], both[keySize:]
		if gdbmHash(key, true) != hash && gdbmHash(key, false) != hash {
			return r.corrupt(data, -1, fmt.Sprintf("a key whose hash is %#x", hash), quote(key))
		}
		if start := e[4 : 4+gdbmStart]; !bytes.HasPrefix(key, start[:min(gdbmStart, len(key))]) {
			return r.corrupt(place, -1, fmt.Sprintf("the start of the key %s", quote(key)), quote(start))
		}
		if err := r.reachable(at, i, hash, key); err != nil {
			return err
		}
		if !r.yield(Entry{key, value}) {
			return errStop
		}
	}
	if n != count {
		return r.corrupt(at+int64(r.bitsAt)+4, -1, fmt.Sprintf("%d entries in the bucket, as it holds", n), fmt.Sprint(count))
	}
	return nil
}

// reachable checks that a search for the key finds it at place i: that from
// its home on no element is empty, nor holds the same key.
func (r *gdbmReader) reachable(at int64, i int, hash uint32, key []byte) error {
	table := r.bucket[r.tableAt:]
	for j := int(hash) % r.bucketElems; j != i; j = (j + 1) % r.bucketElems {
		e := table[j*r.elem:][:r.elem]
		switch r.u32(e) {
		case gdbmEmpty:
			return r.corrupt(at+int64(r.tableAt+j*r.elem), -1, fmt.Sprintf("an element, since the key %s comes behind", quote(key)), "an empty one")
		case hash:
			if int(r.u32(e[8+r.word():])) != len(key) {
				continue
			}
			other := make([]byte, len(key)) // the cache holds the key
			if err := r.read(other, r.offset(e[8:])); err != nil {
				return err
			}
			if bytes.Equal(other, key) {
				return r.corrupt(at+int64(r.tableAt+j*r.elem), -1, "each key once", fmt.Sprintf("%s twice", quote(key)))
			}
		}
	}
	return nil
}
