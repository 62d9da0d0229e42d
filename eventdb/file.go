package eventdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// clockTick is the longest time for which a kernel hands out one and the same
// modification time (a timer tick; 10 ms at 100 Hz) and some.
const clockTick = 12 * time.Millisecond

// settleTurns is how often a file that is young is waited for.
const settleTurns = 3

// A file is one file of a database. Reads are bounded by its size when it was
// opened, and go through pread rather than a mapping: a file that is truncated
// while it is mapped kills its reader.
type file struct {
	name string // for messages
	size int64  // in bytes, when it was opened
	r    io.ReaderAt
	os   *os.File // nil when r isn't a file
	stat func() (os.FileInfo, error)
	was  os.FileInfo
	ctx  context.Context // of the method that is reading; nil: none
}

// openFile opens the regular file at path.
func openFile(path string) (*file, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open event database: %w", err)
	}
	// Before it is opened: to open a named pipe would wait for its writer.
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: got a file of type %s, want a regular file", path, info.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open event database: %w", err)
	}
	if info, err = f.Stat(); err != nil {
		return nil, errors.Join(fmt.Errorf("open event database: %w", err), f.Close())
	}
	return &file{name: path, size: info.Size(), r: f, os: f, stat: f.Stat, was: info}, nil
}

// settle notes the file's state before it is read. A file written to within
// the last tick of the clock could be written to again without a change of
// its modification time, so settle waits until it is older. If it is written to
// again and again then settle gives up.
func (f *file) settle() error {
	if f.stat == nil {
		return nil
	}
	for turn := 0; ; turn++ {
		info, err := f.stat()
		if err != nil {
			return fmt.Errorf("read event database: %w", err)
		}
		if info.Size() != f.size {
			return changed(f.name, fmt.Sprintf("%d bytes when it was opened, %d now", f.size, info.Size()))
		}
		f.was = info
		age := time.Since(info.ModTime())
		if age >= clockTick || age < 0 { // a time to come, of another machine's clock, never gets old
			return nil
		}
		if turn == settleTurns {
			return changed(f.name, fmt.Sprintf("modified again and again, %v ago the last time",
				age.Round(time.Microsecond)))
		}
		time.Sleep(clockTick - age)
	}
}

// unchanged returns an error if the file was written to since settle.
func (f *file) unchanged() error {
	if f.stat == nil {
		return nil
	}
	info, err := f.stat()
	if err != nil {
		return fmt.Errorf("read event database: %w", err)
	}
	if info.Size() != f.size {
		return changed(f.name, fmt.Sprintf("%d bytes when it was opened, %d now", f.size, info.Size()))
	}
	if !info.ModTime().Equal(f.was.ModTime()) {
		return changed(f.name, "modified "+info.ModTime().Format(time.StampMicro))
	}
	return nil
}

// read fills b from offset at.
func (f *file) read(b []byte, at int64) error {
	if at < 0 || at > f.size-int64(len(b)) {
		return f.corrupt(at, -1, fmt.Sprintf("%d bytes", len(b)), fmt.Sprintf("the file's end at %d", f.size))
	}
	n, err := f.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) || err == nil {
		return changed(f.name, fmt.Sprintf("%d bytes when it was opened, now ends at %d", f.size, at+int64(n)))
	}
	return fmt.Errorf("read event database: %w", err)
}

// ReadAt reads from the file unless its context is done.
func (f *file) ReadAt(b []byte, at int64) (int, error) {
	if f.ctx != nil && f.ctx.Err() != nil {
		return 0, context.Cause(f.ctx)
	}
	return f.r.ReadAt(b, at)
}

// begins returns an error unless the file still begins with head, which what
// names.
func (f *file) begins(head []byte, what string) error {
	now := make([]byte, len(head))
	if err := f.read(now, 0); err != nil {
		return err
	}
	if !bytes.Equal(now, head) {
		return changed(f.name, what+" isn't what it was when the file was opened")
	}
	return nil
}

func (f *file) corrupt(offset, page int64, want, got string) error {
	return &CorruptError{File: f.name, Offset: offset, Page: page, Want: want, Got: got}
}

// Close closes the file.
func (f *file) Close() error {
	if f.os == nil {
		return nil
	}
	return f.os.Close()
}
