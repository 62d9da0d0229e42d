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

func (r *gdbmReader) each(yields ...func(Entry) bool) error {
	return steadily(func() error { return r.walk(yields) }, r.still, r.file)
}

func (r *gdbmReader) walk(yields []func(Entry) bool) error {
	entries := int64(1) << r.dirBits
	parts := make([]gdbmPart, min(int64(partsOf(r.size, len(yields))), entries))
	n := int64(len(parts))
	err := sideBySide(len(parts), func(i int) error {
		parts[i] = gdbmPart{gdbmReader: r, yield: yields[i]}
		return parts[i].walk(int(entries*int64(i)/n), int(entries*int64(i+1)/n))
	})
	if err != nil {
		return err
	}
	all := &parts[0]
	for i := range parts[1:] {
		next := &parts[1+i]
		if all.end != next.begin {
			return r.corrupt(r.nameAt(all.end), -1, "the directory's first entry of a bucket, since the one before ends there", fmt.Sprintf("the next one that begins at entry %d", next.begin))
		}
		all.end = next.end
		if err := all.take(r.nameAt(next.begin), next.taken); err != nil {
			return err
		}
	}
	return nil
}

// still returns an error if the header isn't what it was, or a writer has the
// file open. Such a writer writes through a mapping, and the file's time says
// so only when it first writes to a page: a writer that was there before the
// file was looked at could go on unseen.
func (r *gdbmReader) still() error {
	if err := r.locked(); err != nil {
		return err
	}
	return r.begins(r.head[:], "its header")
}
