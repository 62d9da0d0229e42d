package eventdb

import "math/bits"

// A bitmap is a set of small numbers. Its memory comes in chunks as they are
// needed, so that a file that only claims to be large costs nothing.
type bitmap struct{ chunks []*[bitmapChunk / 64]uint64 }

// bitmapChunk is the number of bits in a chunk: 4 KiB.
const bitmapChunk = 1 << 15

// set adds n and tells whether it was there.
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

// has tells whether n is in the set.
func (m *bitmap) has(n uint32) bool {
	c := int(n / bitmapChunk)
	return c < len(m.chunks) && m.chunks[c] != nil && m.chunks[c][n%bitmapChunk/64]&(1<<(n%64)) != 0
}

// merge adds all of another set, unless a number is in both: then it returns
// the least one.
func (m *bitmap) merge(o *bitmap) (both uint32, found bool) {
	for c, chunk := range o.chunks {
		if chunk == nil {
			continue
		}
		for len(m.chunks) <= c {
			m.chunks = append(m.chunks, nil)
		}
		if m.chunks[c] == nil {
			m.chunks[c] = new([bitmapChunk / 64]uint64)
		}
		for w, word := range chunk {
			if common := m.chunks[c][w] & word; common != 0 {
				return uint32(c*bitmapChunk + w*64 + bits.TrailingZeros64(common)), true
			}
			m.chunks[c][w] |= word
		}
	}
	return 0, false
}
