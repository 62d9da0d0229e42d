package eventdb

// A bitmap is a set of small numbers. Its memory comes in chunks as they are
// needed, so that a file that only claims to be large costs nothing.
type bitmap struct{ chunks []*[bitmapChunk / 64]uint64 }

// bitmapChunk is the number of bits in a chunk: 4 KiB.
const bitmapChunk = 1 << 15

// set adds n and reports whether it was there.
func (m *bitmap) set(n uint32) bool {
	c := int(n / bitmapChunk)
	for len(m.chunks) <= c {
		m.chunks = append(m.chunks, nil)
	}
	if m.chunks[c] == nil {
		m.chunks[c] = new([bitmapChunk / 64]uint64)
	}
	w, bit := &m.chunks[c][n%bitmapChunk/64], uint64(1)<<(n%64)
	was := *w&bit != 0
	*w |= bit
	return was
}

// has reports whether n is in the set.
func (m *bitmap) has(n uint32) bool {
	c := int(n / bitmapChunk)
	return c < len(m.chunks) && m.chunks[c] != nil && m.chunks[c][n%bitmapChunk/64]&(1<<(n%64)) != 0
}
