package eventdb

import (
	"fmt"
	"hash/maphash"
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
	meta [bdbMetaSize]byte
	seed maphash.Seed
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

func (r *bdbReader) files() []*file { return []*file{r.file} }

func (r *bdbReader) format() string {
	order := "little-endian"
	if r.big {
		order = "big-endian"
	}
	return fmt.Sprintf("Berkeley DB hash (version %d, %s, %d-byte pages)", r.version, order, r.pageSize)
}

// unchanged returns an error if the metadata isn't what it was.
func (r *bdbReader) unchanged() error { return r.begins(r.meta[:], "page 0") }

// load reads a page to which another one refers.
func (r *bdbReader) load(number, from uint32, page []byte) error {
	if number == 0 || number > r.last {
		return r.bad(from, fmt.Sprintf("the number of a page from 1 to %d", r.last), fmt.Sprint(number))
	}
	return r.read(page, int64(number)*int64(r.pageSize))
}

func (r *bdbReader) twice(page uint32) error {
	return r.bad(page, "each page in one chain, once", "a second link to it")
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

func (r *bdbReader) bad(page uint32, want, got string) error {
	return r.corrupt(int64(page)*int64(r.pageSize), int64(page), want, got)
}
