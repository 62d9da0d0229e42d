package eventdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gdbmHash is the hash function byte for byte, as GDBM's sources have it.
func gdbmHash(key []byte, signed bool) uint32 {
	h := uint32(0x238F13AF) * uint32(len(key))
	for i, c := range key {
		char := uint32(c)
		if signed {
			char = uint32(int8(c))
		}
		h = (h + char<<(i*5%24)) & 0x7fffffff
	}
	return (1103515243*h + 12345) & 0x7fffffff
}

func TestGDBMHashes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		key := make([]byte, n)
		for _, most := range []uint32{0x7f, 0xff} {
			for i := range key {
				key[i] = byte(random.Uint32() & most)
			}
			signed, unsigned := gdbmHashes(key)
			if want := gdbmHash(key, true); signed != want {
				t.Errorf("%x: signed %#x, want %#x", key, signed, want)
			}
			if want := gdbmHash(key, false); unsigned != want {
				t.Errorf("%x: unsigned %#x, want %#x", key, unsigned, want)
			}
		}
		worst := bytes.Repeat([]byte{0xff}, n)
		if signed, unsigned := gdbmHashes(worst); signed != gdbmHash(worst, true) || unsigned != gdbmHash(worst, false) {
			t.Errorf("%d bytes 0xff: %#x and %#x", n, signed, unsigned)
		}
	}
}

// A gdbmKind is what a GDBM file can be made as.
type gdbmKind struct {
	magic  uint32
	big    bool
	wide   bool
	sync   bool
	packed bool // 64 bits are aligned as 32, as on 32-bit x86
	block  int  // bytes, if not 512
}

var gdbmLayouts = []gdbmKind{
	{magic: gdbmMagicOld}, {magic: gdbmMagicOld, big: true},
	{magic: gdbmMagicOld, wide: true}, {magic: gdbmMagicOld, wide: true, big: true},
	{magic: gdbmMagic32}, {magic: gdbmMagic32, big: true},
	{magic: gdbmMagic64, wide: true}, {magic: gdbmMagic64, wide: true, big: true},
	{magic: gdbmMagicSyncs32, sync: true}, {magic: gdbmMagicSyncs32, sync: true, big: true},
	{magic: gdbmMagicSyncs64, wide: true, sync: true}, {magic: gdbmMagicSyncs64, wide: true, sync: true, big: true},
	{magic: gdbmMagic64, wide: true, packed: true}, {magic: gdbmMagicSyncs64, wide: true, sync: true, packed: true},
	{magic: gdbmMagic64, wide: true, packed: true, block: 4096}, {magic: gdbmMagic64, wide: true, block: 4096},
}

// buildGDBM makes a GDBM file. It has its own idea of the format, so that the
// reader's isn't only compared with itself: fields are written in the order of
// C's structures, with C's padding.
func buildGDBM(k gdbmKind, pairs map[string]string) []byte {
	var order binary.AppendByteOrder = binary.LittleEndian
	if k.big {
		order = binary.BigEndian
	}
	number := func(b []byte, v uint32) []byte { return order.AppendUint32(b, v) }
	offset := func(b []byte, v int) []byte {
		if !k.wide {
			return number(b, uint32(v))
		}
		for len(b)%8 != 0 && !k.packed {
			b = append(b, 0)
		}
		return order.AppendUint64(b, uint64(v))
	}
	block := max(k.block, 512)
	elems := (block - 60) / 20
	switch {
	case k.packed:
		elems = (block - 84) / 24
	case k.wide:
		elems = (block - 112) / 24
	}
	// As many bits as it takes for buckets not to overflow; buckets have one
	// less where their two halves fit into one.
	bits := 1
	type bucket struct {
		keys []string
		bits int
		at   int
	}
	var dir []*bucket
	for ; ; bits++ {
		dir = make([]*bucket, 1<<bits)
		full := false
		for key := range pairs {
			i := gdbmHash([]byte(key), true) >> (31 - bits)
			if dir[i] == nil {
				dir[i] = &bucket{bits: bits}
			}
			dir[i].keys = append(dir[i].keys, key)
			full = full || len(dir[i].keys) > elems
		}
		if !full {
			break
		}
	}
	for i := range dir {
		if dir[i] == nil {
			dir[i] = &bucket{bits: bits}
		}
	}
	for i := 0; i < len(dir); i += 2 {
		if n := len(dir[i].keys) + len(dir[i+1].keys); n <= elems {
			both := &bucket{keys: append(dir[i].keys, dir[i+1].keys...), bits: bits - 1}
			dir[i], dir[i+1] = both, both
		}
	}
	file := make([]byte, block)
	dirAt := len(file)
	file = append(file, make([]byte, (len(dir)*8+block-1)/block*block)...)
	var entries []byte
	for i, b := range dir {
		if i > 0 && dir[i-1] == b {
			entries = offset(entries, b.at)
			continue
		}
		table := make([][]byte, elems)
		for _, key := range b.keys {
			at := len(file)
			file = append(append(file, key...), pairs[key]...)
			hash := gdbmHash([]byte(key), true)
			slot := int(hash) % elems
			for table[slot] != nil {
				slot = (slot + 1) % elems
			}
			e := number(nil, hash)
			e = append(e, append([]byte(key), 0, 0, 0, 0)[:4]...)
			e = offset(e, at)
			e = number(number(e, uint32(len(key))), uint32(len(pairs[key])))
			table[slot] = e
		}
		file = append(file, make([]byte, (block-len(file)%block)%block)...)
		b.at = len(file)
		entries = offset(entries, b.at)
		image := number(nil, 0)
		for range 6 { // structures of a size and an offset, aligned as these are
			for k.wide && !k.packed && len(image)%8 != 0 {
				image = append(image, 0)
			}
			image = offset(number(image, 0), 0)
		}
		image = number(number(image, uint32(b.bits)), uint32(len(b.keys)))
		for _, e := range table {
			if e == nil {
				e = append(number(nil, 0xffffffff), make([]byte, 16)...)
				if k.wide {
					e = append(e, make([]byte, 4)...)
				}
			}
			image = append(image, e...)
		}
		file = append(file, append(image, make([]byte, block-len(image))...)...)
	}
	copy(file[dirAt:], entries)
	head := number(number(nil, k.magic), uint32(block))
	head = offset(head, dirAt)
	head = number(number(head, uint32(len(entries))), uint32(bits))
	head = number(number(head, uint32(block)), uint32(elems))
	head = offset(head, len(file))
	if k.sync {
		head = append(number(number(head, 0), 7), make([]byte, 24)...)
	}
	copy(file, head)
	return file
}

// somePairs makes entries as a Comet has them.
func somePairs(n int) map[string]string {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	pairs := make(map[string]string)
	for range n {
		key := fmt.Sprintf("%016x%016x%08x", random.Uint64(), random.Uint64(), random.Uint32())
		pairs[key] = fmt.Sprintf("1395443440.%02d", random.IntN(100))
	}
	return pairs
}

// TestGDBMLayouts reads files of machines that aren't at hand.
func TestGDBMLayouts(t *testing.T) {
	for _, l := range gdbmLayouts {
		for _, n := range []int{0, 1, 50, 5000} {
			t.Run(fmt.Sprintf("%+v/n=%d", l, n), func(t *testing.T) {
				pairs := somePairs(n)
				if n == 50 {
					pairs[""] = ""
					pairs[strings.Repeat("long", 5000)] = strings.Repeat("value", 9000)
					pairs["\xe9\xff"] = "1.5"
				}
				path := filepath.Join(t.TempDir(), "_test")
				if err := os.WriteFile(path, buildGDBM(l, pairs), 0o600); err != nil {
					t.Fatal(err)
				}
				if got := readAll(t, path); !maps.Equal(got, pairs) {
					t.Errorf("%d entries, want %d", len(got), len(pairs))
				}
			})
		}
	}
}

// TestGDBMTwice has a key in two elements of a bucket.
func TestGDBMTwice(t *testing.T) {
	pairs := somePairs(2)
	b := buildGDBM(gdbmLayouts[0], pairs)
	for key := range pairs {
		other := []byte(key)
		for k := range pairs {
			if k != key {
				other = []byte(k)
			}
		}
		hash := binary.LittleEndian.AppendUint32(nil, gdbmHash([]byte(key), true))
		at := bytes.Index(b, append(hash, key[:4]...))
		to := bytes.Index(b, append(binary.LittleEndian.AppendUint32(nil, gdbmHash(other, true)), other[:4]...))
		if at < 0 || to < 0 {
			t.Fatal("no element")
		}
		copy(b[to:to+20], b[at:at+20])
		r, err := newGDBMOf(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := walk(r, func(Entry) bool { return true }); err == nil {
			t.Error("a key that is there twice is no error")
		}
		return
	}
}

// TestGDBMDirectory has an entry of the directory name the bucket beside its own.
func TestGDBMDirectory(t *testing.T) {
	whole := gunzip(t, "testdata/fixtures/gnu-5000-del1700/_test.gz")
	r, err := newGDBM(memory("db", whole))
	if err != nil {
		t.Fatal(err)
	}
	names := whole[r.dir:]
	entries, word := 1<<r.dirBits, r.word()
	for name, c := range map[string]struct{ at, as int }{
		"the bucket before goes on": {entries / 2, entries/2 - 1},
		"the next one begins early": {entries/2 - 1, entries / 2},
		"the last one is the first": {entries - 1, 0},
	} {
		damaged := bytes.Clone(whole)
		copy(damaged[r.dir:][c.at*word:][:word], names[c.as*word:])
		d, err := newGDBM(memory("db", damaged))
		if err != nil {
			t.Fatal(err)
		}
		var damage *CorruptError
		if err := walk(d, func(Entry) bool { return true }); !errors.As(err, &damage) {
			t.Errorf("%s: got %v, want a CorruptError", name, err)
		}
	}
}

// TestGDBMCrafted reads files that are small, but would take hours or more
// memory than there is.
func TestGDBMCrafted(t *testing.T) {
	kind := gdbmKind{magic: gdbmMagic64, wide: true}
	le := binary.LittleEndian
	for _, c := range []struct {
		name string
		make func() *file
		want string
	}{
		{"each value goes on to the file's end", func() *file {
			pairs := somePairs(30)
			b := buildGDBM(kind, pairs)
			for key, value := range pairs {
				start := le.AppendUint32(nil, gdbmHash([]byte(key), true))
				e := b[bytes.Index(b, append(start, key[:4]...)):][:24]
				if le.Uint32(e[20:]) != uint32(len(value)) {
					t.Fatal("no element")
				}
				le.PutUint32(e[20:], uint32(len(b)-int(le.Uint64(e[8:]))-len(key)))
			}
			return memory("db", b)
		}, "that lie apart"},
		{"one empty bucket in many places", func() *file {
			const bits = 10
			b := buildGDBM(kind, nil)
			bucket := le.Uint64(b[le.Uint64(b[8:]):])
			le.PutUint32(b[bucket+104:], bits)
			le.PutUint64(b[8:], uint64(len(b)))
			le.PutUint32(b[16:], 8<<bits)
			le.PutUint32(b[20:], bits)
			for range 1 << bits {
				b = le.AppendUint64(b, bucket)
			}
			le.PutUint64(b[32:], uint64(len(b)))
			return memory("db", b)
		}, "that lie apart"},
		{"all hashes alike", func() *file {
			pairs := make(map[string]string)
			for i := range 300 { // bytes that are 24 apart weigh the same
				key := bytes.Repeat([]byte("b"), 48)
				for bit := range 9 {
					if i>>bit&1 != 0 {
						key[bit], key[bit+24] = 'a', 'c'
					}
				}
				pairs[string(key)] = "1395443440.41"
			}
			return memory("db", buildGDBM(gdbmKind{magic: gdbmMagic64, wide: true, block: 8192}, pairs))
		}, "near the places"},
		{"a directory of 2 GiB", func() *file {
			const bits, size = 28, 4 << 30
			b := buildGDBM(kind, nil)[:512]
			le.PutUint32(b[16:], 8<<bits)
			le.PutUint32(b[20:], bits)
			le.PutUint64(b[32:], size)
			return &file{name: "db", size: size, r: hollow(b)}
		}, "the offset of a bucket"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := newGDBM(c.make())
			if err != nil {
				t.Fatal(err)
			}
			if err := walk(r, func(Entry) bool { return true }); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// hollow reads as zeros behind its end.
type hollow []byte

func (h hollow) ReadAt(b []byte, at int64) (int, error) {
	clear(b)
	if at < int64(len(h)) {
		copy(b, h[at:])
	}
	return len(b), nil
}
