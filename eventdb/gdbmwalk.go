package eventdb

import (
	"bytes"
	"fmt"
)

// walk yields the entries of the buckets in the order of the directory.
func (r *gdbmReader) walk(yield func(Entry) bool) error {
	w := gdbmWalk{gdbmReader: r, yield: yield, data: newCache(r.file), bucket: make([]byte, r.bucketSize)}
	w.data.reset()
	w.names = make([]byte, min(cacheFrame, int64(r.word())<<r.dirBits))
	w.named = -1
	for i := 0; i < 1<<r.dirBits; {
		at, err := w.name(i)
		if err != nil {
			return err
		}
		if at <= 0 || at > r.size-int64(r.bucketSize) {
			return r.corrupt(r.nameAt(i), -1,
				fmt.Sprintf("the offset of a bucket of %d bytes within the file's %d", r.bucketSize, r.size),
				fmt.Sprint(at))
		}
		if err := r.read(w.bucket, at); err != nil {
			return err
		}
		bits := r.u32(w.bucket[r.bitsAt:])
		span := 1 << max(0, r.dirBits-int(bits)) // how often it is named
		if int64(bits) > int64(r.dirBits) || i%span != 0 {
			return r.corrupt(at+int64(r.bitsAt), -1,
				fmt.Sprintf("a number of bits that fits entry %d of a directory of %d bits", i, r.dirBits),
				fmt.Sprint(bits))
		}
		if err := w.elements(at, int(bits), uint32(i)>>(r.dirBits-int(bits))); err != nil {
			return err
		}
		for end := i + span; ; {
			if i++; i == end {
				break
			}
			again, err := w.name(i)
			if err != nil {
				return err
			}
			if again != at {
				return r.corrupt(r.nameAt(i), -1, fmt.Sprintf("bucket %d, named %d times", at, span), fmt.Sprint(again))
			}
		}
	}
	return nil
}

// name returns the offset of the bucket that entry i of the directory names.
func (w *gdbmWalk) name(i int) (int64, error) {
	n := len(w.names) / w.word()
	if first := i / n * n; first != w.named {
		if err := w.read(w.names, w.nameAt(first)); err != nil {
			return 0, err
		}
		w.named = first
	}
	return w.offset(w.names[(i-w.named)*w.word():]), nil
}

// elements yields the entries of the bucket in hand, whose keys' hashes begin
// with prefix.
func (w *gdbmWalk) elements(at int64, bits int, prefix uint32) error {
	if err := w.take(at, int64(w.bucketSize)); err != nil {
		return err
	}
	table := w.bucket[w.tableAt:]
	count, n := w.u32(w.bucket[w.bitsAt+4:]), uint32(0)
	for i := range w.bucketElems {
		e := table[i*w.elem:][:w.elem]
		hash := w.u32(e)
		if hash == gdbmEmpty {
			continue
		}
		n++
		place := at + int64(w.tableAt+i*w.elem)
		if hash>>(gdbmHashBits-bits) != prefix {
			return w.corrupt(place, -1, fmt.Sprintf("a hash of 31 bits that begins with the %d bits %#b", bits, prefix),
				fmt.Sprintf("%#x", hash))
		}
		data, sizes := w.offset(e[8:]), e[8+w.word():]
		keySize, valueSize := w.u32(sizes), w.u32(sizes[4:])
		if keySize > MaxItem || valueSize > MaxItem {
			return w.corrupt(place, -1, fmt.Sprintf("a key and a value of at most %d bytes", MaxItem),
				fmt.Sprintf("%d and %d", keySize, valueSize))
		}
		if data <= 0 {
			return w.corrupt(place, -1, "the offset of a key", fmt.Sprint(data))
		}
		if err := w.take(place, int64(keySize)+int64(valueSize)); err != nil {
			return err
		}
		both, err := w.data.at(data, int(keySize)+int(valueSize))
		if err != nil {
			return err
		}
		key, value := both[:keySize:keySize], both[keySize:]
		if signed, unsigned := gdbmHashes(key); signed != hash && unsigned != hash {
			return w.corrupt(data, -1, fmt.Sprintf("a key whose hash is %#x", hash), quote(key))
		}
		if start := e[4 : 4+gdbmStart]; !bytes.HasPrefix(key, start[:min(gdbmStart, len(key))]) {
			return w.corrupt(place, -1, fmt.Sprintf("the start of the key %s", quote(key)), quote(start))
		}
		if err := w.reachable(at, i, hash, key); err != nil {
			return err
		}
		if !w.yield(Entry{key, value}) {
			return errStop
		}
	}
	if n != count {
		return w.corrupt(at+int64(w.bitsAt)+4, -1, fmt.Sprintf("%d entries in the bucket, as it holds", n),
			fmt.Sprint(count))
	}
	return nil
}

// take counts bytes that a bucket, or an entry, at that place has to itself: a
// file in which several share them, which could be read for days though it is
// small, has more of them than bytes.
func (w *gdbmWalk) take(place, n int64) error {
	if w.taken += n; w.taken > w.size {
		return w.corrupt(place, -1, fmt.Sprintf("buckets, keys and values that lie apart in the file's %d bytes",
			w.size),
			fmt.Sprintf("%d bytes of them", w.taken))
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
func (w *gdbmWalk) reachable(at int64, i int, hash uint32, key []byte) error {
	table := w.bucket[w.tableAt:]
	home := int(hash % uint32(w.bucketElems))
	if w.searched += int64(i - home); i < home { // the search goes on at the start
		w.searched += int64(w.bucketElems)
	}
	if w.searched > gdbmSearch*w.size {
		return w.corrupt(at+int64(w.tableAt+i*w.elem), -1, "keys near the places that their hashes ask for",
			fmt.Sprintf("%d elements between them in a file of %d bytes", w.searched, w.size))
	}
	for j := home; j != i; {
		e := table[j*w.elem:][:w.elem]
		switch w.u32(e) {
		case gdbmEmpty:
			return w.corrupt(at+int64(w.tableAt+j*w.elem), -1,
				fmt.Sprintf("an element, since the key %s comes behind", quote(key)), "an empty one")
		case hash:
			if int(w.u32(e[8+w.word():])) != len(key) {
				break
			}
			w.searched += gdbmCompare + int64(len(key))
			other := make([]byte, len(key)) // the cache holds the key
			if err := w.read(other, w.offset(e[8:])); err != nil {
				return err
			}
			if bytes.Equal(other, key) {
				return w.corrupt(at+int64(w.tableAt+j*w.elem), -1, "each key once", fmt.Sprintf("%s twice", quote(key)))
			}
		}
		if j++; j == w.bucketElems {
			j = 0
		}
	}
	return nil
}
