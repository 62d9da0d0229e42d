package eventdb

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
)

// sortMemory is how many bytes of entries are sorted at once.
const sortMemory = 8 << 20

// Sorted yields every entry, in the order of the keys' bytes. It needs some
// 16 MiB of memory; a database of more than 8 MiB is sorted through a
// temporary file of about the size of its entries. The last pair may hold an
// error; if the database can't be read then it is the only one.
func (db *DB) Sorted() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		s := sorter{most: sortMemory}
		var failed error
		err := db.reader.each(func(e Entry) bool {
			failed = s.add(e)
			return failed == nil
		})
		if err = errors.Join(err, failed); err == nil {
			err = s.each(func(e Entry) bool { return yield(e, nil) })
		}
		if errors.Is(err, errStop) {
			s.close() // the caller has what it wanted
			return
		}
		if err = errors.Join(err, s.close()); err != nil {
			yield(Entry{}, err)
		}
	}
}

// A sorter sorts entries, of which it holds so many in memory and the others
// in runs, sorted, in a temporary file.
type sorter struct {
	most  int // bytes of entries in memory
	bytes []byte
	index []sorterEntry
	spill *os.File
	runs  []sorterRun
	end   int64 // of the temporary file
}

// A sorterEntry is where in a sorter's bytes a key and its value are.
type sorterEntry struct{ key, value, end uint32 }

// A sorterRun is a part of the temporary file.
type sorterRun struct{ from, to int64 }

func (s *sorter) entry(e sorterEntry) Entry {
	return Entry{s.bytes[e.key:e.value:e.value], s.bytes[e.value:e.end:e.end]}
}

func (s *sorter) add(e Entry) error {
	if len(s.bytes) > 0 && len(s.bytes)+len(e.Key)+len(e.Value)+12*len(s.index) > s.most {
		if err := s.flush(); err != nil {
			return err
		}
	}
	at := len(s.bytes)
	s.bytes = append(append(s.bytes, e.Key...), e.Value...)
	s.index = append(s.index, sorterEntry{uint32(at), uint32(at + len(e.Key)), uint32(len(s.bytes))})
	return nil
}

func (s *sorter) sort() {
	slices.SortFunc(s.index, func(a, b sorterEntry) int {
		return bytes.Compare(s.bytes[a.key:a.value], s.bytes[b.key:b.value])
	})
}

// flush writes what is in memory as a run.
func (s *sorter) flush() (err error) {
	s.sort()
	if s.spill == nil {
		if s.spill, err = os.CreateTemp("", "eventdb"); err != nil {
			return fmt.Errorf("sort event database: %w", err)
		}
	}
	w := bufio.NewWriterSize(s.spill, 64<<10)
	from := s.end
	var length [2 * binary.MaxVarintLen32]byte
	for _, i := range s.index {
		e := s.entry(i)
		b := binary.AppendUvarint(length[:0], uint64(len(e.Key)))
		b = binary.AppendUvarint(b, uint64(len(e.Value)))
		for _, part := range [][]byte{b, e.Key, e.Value} {
			n, _ := w.Write(part) // Flush returns its error
			s.end += int64(n)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("sort event database: %w", err)
	}
	s.runs = append(s.runs, sorterRun{from, s.end})
	s.bytes, s.index = s.bytes[:0], s.index[:0]
	return nil
}

// each calls yield for each entry, in order, and returns errStop if that
// returns false.
func (s *sorter) each(yield func(Entry) bool) error {
	s.sort()
	if s.spill == nil {
		for _, i := range s.index {
			if !yield(s.entry(i)) {
				return errStop
			}
		}
		return nil
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.bytes, s.index = nil, nil
	var m merge
	for _, run := range s.runs {
		r := &runReader{in: bufio.NewReaderSize(io.NewSectionReader(s.spill, run.from, run.to-run.from), 32<<10)}
		if err := r.next(); err != nil {
			return fmt.Errorf("sort event database: %w", err)
		}
		m = append(m, r)
	}
	heap.Init(&m)
	for len(m) > 0 {
		if !yield(m[0].entry) {
			return errStop
		}
		switch err := m[0].next(); {
		case errors.Is(err, io.EOF):
			heap.Pop(&m)
		case err != nil:
			return fmt.Errorf("sort event database: %w", err)
		default:
			heap.Fix(&m, 0)
		}
	}
	return nil
}

// close removes the temporary file.
func (s *sorter) close() error {
	if s.spill == nil {
		return nil
	}
	if err := errors.Join(s.spill.Close(), os.Remove(s.spill.Name())); err != nil {
		return fmt.Errorf("sort event database: %w", err)
	}
	return nil
}

// A runReader reads a run, of which it holds one entry.
type runReader struct {
	in    *bufio.Reader
	entry Entry
}

func (r *runReader) next() error {
	key, err := binary.ReadUvarint(r.in)
	if err != nil {
		return err
	}
	value, err := binary.ReadUvarint(r.in)
	if err != nil {
		return fmt.Errorf("length of a value: %w", noEOF(err))
	}
	r.entry.Key = slices.Grow(r.entry.Key[:0], int(key))[:key]
	r.entry.Value = slices.Grow(r.entry.Value[:0], int(value))[:value]
	for _, b := range [][]byte{r.entry.Key, r.entry.Value} {
		if _, err := io.ReadFull(r.in, b); err != nil {
			return noEOF(err)
		}
	}
	return nil
}

// noEOF makes an end of the file in the midst of an entry an error.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A merge is a heap of runs by their next keys.
type merge []*runReader

func (m merge) Len() int           { return len(m) }
func (m merge) Less(i, j int) bool { return bytes.Compare(m[i].entry.Key, m[j].entry.Key) < 0 }
func (m merge) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(x any)        { *m = append(*m, x.(*runReader)) }

func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
