package eventdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Open opens the event database at path, as a Comet would name it: Python's
// modules add endings of their own to the name that they are given (.db, or
// .dir and .dat), so that path may stand for path.db or path.dir.
func Open(path string) (*DB, error) {
	for _, ending := range []string{"", ".db", ".dir"} {
		if _, err := os.Stat(path + ending); err == nil {
			return openPath(path, path+ending)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open event database: %w", err)
		}
	}
	return nil, fmt.Errorf("open event database: %s: %w, nor with .db or .dir behind it", path, fs.ErrNotExist)
}

func openPath(name, path string) (*DB, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	r, err := newReader(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &DB{path: path, reader: r}, nil
}

// newReader tells the format of a file by its bytes.
func newReader(f *file) (reader, error) {
	head := make([]byte, min(f.size, bdbMetaSize))
	if err := f.read(head, 0); err != nil {
		return nil, err
	}
	if len(head) == bdbMetaSize {
		little, big := binary.LittleEndian.Uint32(head[12:]), binary.BigEndian.Uint32(head[12:])
		if little == bdbMagic || big == bdbMagic {
			return newBDB(f)
		}
	}
	return nil, fmt.Errorf("%s: %w", f.name, ErrUnknown)
}
