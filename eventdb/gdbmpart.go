package eventdb

import (
	"bytes"
	"fmt"
)

// A gdbmPart reads the buckets that begin in a part of the directory.
type gdbmPart struct {
	*gdbmReader
	yield  func(Entry) bool
	data   *cache
	bucket []byte // the one in hand

	names      []byte // some entries of the directory
	named      int    // the first of them
	begin, end int    // the entries of the directory that name this part's buckets

	taken    int64    // bytes of the buckets and entries so far
	searched int64    // elements looked at so far to find keys
	_        [64]byte // of the next part, which another processor writes to
}

// walk yields the entries of the buckets that begin in a range of the
// directory's entries. The entries of the directory at the range's start may
// belong to a bucket that begins before.
func (p *gdbmPart) walk(from, to int) error {
	p.data = newCache(p.file)
	p.data.reset()
	p.bucket = make([]byte, p.bucketSize)
	p.names = make([]byte, min(cacheFrame, int64(p.word())<<p.dirBits))
	p.named = -1
	p.begin = from
	i := from
	for i < to {
		at, err := p.name(i)
		if err != nil {
			return err
		}
		if at <= 0 || at > p.size-int64(p.bucketSize) {
			return p.corrupt(p.nameAt(i), -1, fmt.Sprintf("the offset of a bucket of %d bytes within the file's %d", p.bucketSize, p.size), fmt.Sprint(at))
		}
		if err := p.read(p.bucket, at); err != nil {
			return err
		}
		bits := p.u32(p.bucket[p.bitsAt:])
		span := 1 << max(0, p.dirBits-int(bits)) // how often it is named
		if int64(bits) > int64(p.dirBits) || i%span != 0 && i != from {
			return p.corrupt(at+int64(p.bitsAt), -1, fmt.Sprintf("a number of bits that fits entry %d of a directory of %d bits", i, p.dirBits), fmt.Sprint(bits))
		}
		if before := i % span; before != 0 {
			i += span - before
			p.begin = i
			continue
		}
		if err := p.elements(at, int(bits), uint32(i)>>(p.dirBits-int(bits))); err != nil {
			return err
		}
		for end := i + span; ; {
			if i++; i == end {
				break
			}
			again, err := p.name(i)
			if err != nil {
				return err
			}
			if again != at {
				return p.corrupt(p.nameAt(i), -1, fmt.Sprintf("bucket %d, named %d times", at, span), fmt.Sprint(again))
			}
		}
	}
	p.end = i
	return nil
}

// name returns the offset of the bucket that entry i of the directory names.
func (p *gdbmPart) name(i int) (int64, error) {
	n := len(p.names) / p.word()
	if first := i / n * n; first != p.named {
		if err := p.read(p.names, p.nameAt(first)); err != nil {
			return 0, err
		}
		p.named = first
	}
	return p.offset(p.names[(i-p.named)*p.word():]), nil
}

// elements yields the entries of the bucket in hand, whose keys' hashes begin
// with prefix.
func (p *gdbmPart) elements(at int64, bits int, prefix uint32) error {
	if err := p.take(at, int64(p.bucketSize)); err != nil {
		return err
	}
	table := p.bucket[p.tableAt:]
	count, n := p.u32(p.bucket[p.bitsAt+4:]), uint32(0)
	for i := range p.bucketElems {
		e := table[i*p.elem:][:p.elem]
		hash := p.u32(e)
		if hash == gdbmEmpty {
			continue
		}
		n++
		place := at + int64(p.tableAt+i*p.elem)
		if hash>>(gdbmHashBits-bits) != prefix {
			return p.corrupt(place, -1, fmt.Sprintf("a hash of 31 bits that begins with the %d bits %#b", bits, prefix), fmt.Sprintf("%#x", hash))
		}
		data, sizes := p.offset(e[8:]), e[8+p.word():]
		keySize, valueSize := p.u32(sizes), p.u32(sizes[4:])
		if keySize > MaxItem || valueSize > MaxItem {
			return p.corrupt(place, -1, fmt.Sprintf("a key and a value of at most %d bytes", MaxItem), fmt.Sprintf("%d and %d", keySize, valueSize))
		}
		if data <= 0 {
			return p.corrupt(place, -1, "the offset of a key", fmt.Sprint(data))
		}
		if err := p.take(place, int64(keySize)+int64(valueSize)); err != nil {
			return err
		}
		both, err := p.data.at(data, int(keySize)+int(valueSize))
		if err != nil {
			return err
		}
		key, value := both[:keySize:keySize], both[keySize:]
		if signed, unsigned := gdbmHashes(key); signed != hash && unsigned != hash {
			return p.corrupt(data, -1, fmt.Sprintf("a key whose hash is %#x", hash), quote(key))
		}
		if start := e[4 : 4+gdbmStart]; !bytes.HasPrefix(key, start[:min(gdbmStart, len(key))]) {
			return p.corrupt(place, -1, fmt.Sprintf("the start of the key %s", quote(key)), quote(start))
		}
		if err := p.reachable(at, i, hash, key); err != nil {
			return err
		}
		if !p.yield(Entry{key, value}) {
			return errStop
		}
	}
	if n != count {
		return p.corrupt(at+int64(p.bitsAt)+4, -1, fmt.Sprintf("%d entries in the bucket, as it holds", n), fmt.Sprint(count))
	}
	return nil
}

// take counts bytes that a bucket, or an entry, at that place has to itself: a
// file in which several share them, which could be read for days though it is
// small, has more of them than bytes.
func (p *gdbmPart) take(place, n int64) error {
	if p.taken += n; p.taken > p.size {
		return p.corrupt(place, -1, fmt.Sprintf("buckets, keys and values that lie apart in the file's %d bytes", p.size), fmt.Sprintf("%d bytes of them", p.taken))
	}
	return nil
}

const (
	// gdbmSearch is how many elements may be looked at to find all keys, for
	// each byte of the file. By chance a bucket of 64 MiB that is full takes 44
	// for each of its bytes, one of 4 KiB less than one.
	gdbmSearch = 64
	// gdbmCompare is as how many elements to read another key counts, since it
	// takes as long.
	gdbmCompare = 512
)

// reachable checks that a search for the key finds it at place i: that from
// its home on no element is empty, nor holds the same key.
func (p *gdbmPart) reachable(at int64, i int, hash uint32, key []byte) error {
	table := p.bucket[p.tableAt:]
	home := int(hash % uint32(p.bucketElems))
	if p.searched += int64(i - home); i < home { // the search goes on at the start
		p.searched += int64(p.bucketElems)
	}
	if p.searched > gdbmSearch*p.size {
		return p.corrupt(at+int64(p.tableAt+i*p.elem), -1, "keys near the places that their hashes ask for", fmt.Sprintf("%d elements between them in a file of %d bytes", p.searched, p.size))
	}
	for j := home; j != i; {
		e := table[j*p.elem:][:p.elem]
		switch p.u32(e) {
		case gdbmEmpty:
			return p.corrupt(at+int64(p.tableAt+j*p.elem), -1, fmt.Sprintf("an element, since the key %s comes behind", quote(key)), "an empty one")
		case hash:
			if int(p.u32(e[8+p.word():])) != len(key) {
				break
			}
			p.searched += gdbmCompare + int64(len(key))
			other := make([]byte, len(key)) // the cache holds the key
			if err := p.read(other, p.offset(e[8:])); err != nil {
				return err
			}
			if bytes.Equal(other, key) {
				return p.corrupt(at+int64(p.tableAt+j*p.elem), -1, "each key once", fmt.Sprintf("%s twice", quote(key)))
			}
		}
		if j++; j == p.bucketElems {
			j = 0
		}
	}
	return nil
}
