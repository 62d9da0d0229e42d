package eventdb

import "fmt"

// gdbmReader reads a GDBM file.
//
// The file holds no count of its entries, but each bucket does. The reader also
// checks that the directory names each bucket as often as its bits ask for,
// that each key hashes to the bucket and can be found in its table, that an
// element agrees with its key, and that what it reads isn't more than there is.
type gdbmReader struct {
	*file
	gdbmLayout
	head [gdbmHeader]byte
}

// A gdbmWalk is one pass through the buckets.
type gdbmWalk struct {
	*gdbmReader
	yield  func(Entry) bool
	data   *cache
	bucket []byte // the one in hand

	names []byte // some entries of the directory
	named int    // the first of them

	taken    int64 // bytes of the buckets and entries so far
	searched int64 // elements looked at so far to find keys
}

func newGDBM(f *file) (*gdbmReader, error) {
	r := &gdbmReader{file: f}
	if err := f.read(r.head[:], 0); err != nil {
		return nil, err
	}
	if at, want, got := r.decode(r.head[:], f.size); want != "" {
		return nil, f.corrupt(at, -1, want, got)
	}
	return r, nil
}

func (r *gdbmReader) files() []*file { return []*file{r.file} }

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

// unchanged returns an error if the header isn't what it was, or a writer has the
// file open. Such a writer writes through a mapping, and the file's time says
// so only when it first writes to a page: a writer that was there before the
// file was looked at could go on unseen.
func (r *gdbmReader) unchanged() error {
	if err := r.locked(); err != nil {
		return err
	}
	return r.begins(r.head[:], "its header")
}
