package eventdb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strconv"
)

// The format of Python's dumb databases is described in its module dbm.dumb
// (dumbdbm in Python 2): a .dat file of values, each at a multiple of 512
// bytes, and a .dir file, which is text in Latin-1, with a line
//
//	'key', (offset in .dat, length)
//
// for each key, in the notation of Python's repr. Keys that are added append a
// line; the whole file is written anew when one is deleted and at the end. If
// a key has several lines, the last one counts.

const (
	dumbBlock   = 512
	dumbMaxLine = 1 << 20 // bytes: a key, which may be all escaped, and two numbers
)

// dumbReader reads a dumb database.
//
// Nothing in it says how many entries there should be: an index that was cut
// at the end of a line, before Python opened it again, is one of fewer entries,
// whose values lie in the .dat file as those of deleted keys do. What can be
// checked is that every line of the index is whole, and that values are within
// the .dat file and don't share blocks.
type dumbReader struct {
	dir  *file
	dat  *cache
	line []byte // a line too long for the buffer
	key  []byte
	seed maphash.Seed
}

// isDumb reports whether a file that begins with head can be the index of a dumb
// database: the first line, or all that was read of it, looks like one.
func isDumb(head []byte) bool {
	return len(head) == 0 || head[0] == '\'' || head[0] == '"'
}

func newDumb(dir, dat *file) *dumbReader {
	return &dumbReader{dir: dir, dat: newCache(dat), seed: maphash.MakeSeed()}
}

func (r *dumbReader) format() string { return "dumb (.dir and .dat)" }

func (r *dumbReader) files() []*file { return []*file{r.dir, r.dat.file} }

// unchanged returns nil: the files' times show every change.
func (r *dumbReader) unchanged() error { return nil }

func (r *dumbReader) walk(yield func(Entry) bool) error {
	r.dat.reset()
	last, err := r.repeated()
	if err != nil {
		return err
	}
	var taken bitmap
	return r.lines(func(number int, at int64, e dumbEntry) error {
		if n, again := last[string(e.key)]; again && n != number {
			return nil
		}
		if e.pos%dumbBlock != 0 || e.size > MaxItem || e.pos > r.dat.size-e.size {
			return r.dir.corrupt(at, -1, fmt.Sprintf("a value of at most %d bytes at a multiple of %d within the "+
				"%d bytes of %s",
				MaxItem, dumbBlock, r.dat.size, r.dat.name), fmt.Sprintf("%d bytes at %d", e.size, e.pos))
		}
		for b := e.pos / dumbBlock; b*dumbBlock < e.pos+e.size; b++ {
			if taken.set(uint32(b)) {
				return r.dir.corrupt(at, -1, "a value with blocks of its own",
					fmt.Sprintf("block %d, which is another value's too", b))
			}
		}
		value, err := r.dat.at(e.pos, int(e.size))
		if err != nil {
			return err
		}
		if !yield(Entry{e.key, value}) {
			return errStop
		}
		return nil
	})
}

// repeated returns the keys that have several lines, and the number of the
// last one. It keeps eight bytes a line, and only these keys.
func (r *dumbReader) repeated() (map[string]int, error) {
	var sums []uint64
	err := r.lines(func(_ int, _ int64, e dumbEntry) error {
		sums = append(sums, maphash.Bytes(r.seed, e.key))
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(sums)
	twice := make(map[uint64]bool)
	for i := 1; i < len(sums); i++ {
		if sums[i] == sums[i-1] {
			twice[sums[i]] = true
		}
	}
	if len(twice) == 0 {
		return nil, nil
	}
	last := make(map[string]int)
	return last, r.lines(func(number int, _ int64, e dumbEntry) error {
		if twice[maphash.Bytes(r.seed, e.key)] {
			last[string(e.key)] = number
		}
		return nil
	})
}

// A dumbEntry is a line of the index.
type dumbEntry struct {
	key       []byte
	pos, size int64
}

// lines calls do for each line of the index, with its number and offset. The
// key is valid during the call.
func (r *dumbReader) lines(do func(number int, at int64, e dumbEntry) error) error {
	in := bufio.NewReaderSize(io.NewSectionReader(r.dir, 0, r.dir.size), 64<<10)
	at := int64(0)
	for number := 1; ; number++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			r.line = append(r.line[:0], line...)
			for errors.Is(err, bufio.ErrBufferFull) && isDumb(r.line) && len(r.line) <= dumbMaxLine {
				line, err = in.ReadSlice('\n')
				r.line = append(r.line, line...)
			}
			line = r.line
		}
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			if at != r.dir.size {
				return changed(r.dir.name, fmt.Sprintf("%d bytes when it was opened, now ends at %d", r.dir.size, at))
			}
			return nil
		case errors.Is(err, io.EOF):
			return r.dir.corrupt(at, -1, "a line that ends", quote(line))
		case errors.Is(err, bufio.ErrBufferFull) && isDumb(line):
			return r.dir.corrupt(at, -1, fmt.Sprintf("a line of at most %d bytes", dumbMaxLine), quote(line))
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("read event database: %w", err)
		}
		e, ok := r.parse(bytes.TrimSuffix(line[:len(line)-1], []byte("\r")))
		if !ok {
			return r.dir.corrupt(at, -1, "a line such as 'key', (offset, length)", quote(line))
		}
		if err := do(number, at, e); err != nil {
			return err
		}
		at += int64(len(line))
	}
}

// parse reads a line of the index.
func (r *dumbReader) parse(line []byte) (e dumbEntry, ok bool) {
	if len(line) == 0 || !isDumb(line) {
		return e, false
	}
	end := 1
	for end < len(line) && line[end] != line[0] {
		if unprintable(line[end]) {
			return e, false
		}
		if line[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(line) {
		return e, false
	}
	e.key, line = line[1:end], line[end+1:]
	if bytes.IndexByte(e.key, '\\') >= 0 {
		if e.key, ok = r.unescape(e.key); !ok {
			return e, false
		}
	}
	line, ok = bytes.CutPrefix(line, []byte(", ("))
	if !ok {
		return e, false
	}
	line, ok = bytes.CutSuffix(line, []byte(")"))
	if !ok {
		return e, false
	}
	pos, size, ok := bytes.Cut(line, []byte(", "))
	if !ok {
		return e, false
	}
	if e.pos, ok = parseDecimal(pos); !ok {
		return e, false
	}
	e.size, ok = parseDecimal(size)
	return e, ok
}

// unprintable reports whether Python's repr escapes a character of Latin-1.
func unprintable(c byte) bool {
	return c < ' ' || 0x7f <= c && c <= 0xa0 || c == 0xad
}

// unescape undoes the escapes of Python's repr.
func (r *dumbReader) unescape(s []byte) ([]byte, bool) {
	r.key = r.key[:0]
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '\\' {
			if i++; i == len(s) {
				return nil, false
			}
			switch s[i] {
			case '\\', '\'', '"':
				c = s[i]
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case 'x':
				if i+2 >= len(s) {
					return nil, false
				}
				v, err := strconv.ParseUint(string(s[i+1:i+3]), 16, 8)
				if err != nil {
					return nil, false
				}
				c, i = byte(v), i+2
			default:
				return nil, false
			}
		}
		r.key = append(r.key, c)
	}
	return r.key, true
}

// parseDecimal reads a number of at most 18 digits, as Python writes it.
func parseDecimal(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 18 || b[0] == '0' && len(b) > 1 {
		return 0, false
	}
	for _, c := range b {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
