package eventdb

import "fmt"

const (
	cacheFrame  = 4096 // bytes
	cacheFrames = 256
)

// A cache gives access to ranges of a file that come in no order, but near
// each other, with memory of a fixed size. What of a file is in the cache
// isn't read again.
type cache struct {
	*file
	frames  [][]byte // nil until used
	number  []int64  // of the range of the file that a frame holds; -1: none
	scratch []byte
}

func newCache(f *file) *cache { return &cache{file: f} }

// reset forgets everything that was read.
func (c *cache) reset() {
	if c.frames == nil {
		c.frames = make([][]byte, cacheFrames)
		c.number = make([]int64, cacheFrames)
	}
	for i := range c.number {
		c.number[i] = -1
	}
}

// at returns n bytes from the offset, valid until the next call. Their number
// must have been bounded by the caller.
func (c *cache) at(offset int64, n int) ([]byte, error) {
	if offset < 0 || int64(n) > c.size-offset {
		return nil, c.corrupt(offset, -1, fmt.Sprintf("%d bytes", n), fmt.Sprintf("the file's end at %d", c.size))
	}
	first := int(offset % cacheFrame)
	if first+n <= cacheFrame {
		frame, err := c.frame(offset / cacheFrame)
		if err != nil {
			return nil, err
		}
		return frame[first : first+n : first+n], nil
	}
	if cap(c.scratch) < n {
		c.scratch = make([]byte, n)
	}
	b := c.scratch[:n]
	if n > 4*cacheFrame {
		return b, c.read(b, offset)
	}
	for done := 0; done < n; {
		frame, err := c.frame((offset + int64(done)) / cacheFrame)
		if err != nil {
			return nil, err
		}
		done += copy(b[done:], frame[(offset+int64(done))%cacheFrame:])
	}
	return b, nil
}

// frame returns one range of the file, of which the last may be short.
func (c *cache) frame(number int64) ([]byte, error) {
	slot, start := number%cacheFrames, number*cacheFrame
	if c.frames[slot] == nil {
		c.frames[slot] = make([]byte, cacheFrame)
	}
	frame := c.frames[slot][:min(cacheFrame, c.size-start)]
	if c.number[slot] == number {
		return frame, nil
	}
	c.number[slot] = -1
	if err := c.read(frame, start); err != nil {
		return nil, err
	}
	c.number[slot] = number
	return frame, nil
}
