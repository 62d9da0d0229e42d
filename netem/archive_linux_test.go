package netem

import (
	"fmt"
	"io"
	"os"
)

// archive writes a cpio archive as the kernel unpacks it into its first file
// system (format "newc", of hexadecimal numbers).
type archive struct {
	w     io.Writer
	inode int
	seen  map[string]bool
	err   error
}

const (
	modeDir    = 0o040755
	modeFile   = 0o100755
	modeDevice = 0o020600
)

// entry writes one entry, unless one of that name was written.
func (a *archive) entry(name string, mode uint32, major, minor int, data []byte) {
	if a.err != nil || a.seen[name] {
		return
	}
	if a.seen == nil {
		a.seen = map[string]bool{}
	}
	a.seen[name] = true
	a.inode++
	links := 1
	fields := []any{a.inode, mode, 0, 0, links, 0, len(data), 0, 0, major, minor, len(name) + 1, 0}
	header := "070701"
	for _, f := range fields {
		header += fmt.Sprintf("%08X", f)
	}
	a.padded([]byte(header + name + "\x00"))
	a.padded(data)
}

// padded writes b up to a multiple of 4 bytes.
func (a *archive) padded(b []byte) {
	for _, part := range [][]byte{b, make([]byte, -len(b)&3)} {
		if a.err == nil {
			_, a.err = a.w.Write(part)
		}
	}
}

func (a *archive) dir(name string) { a.entry(name, modeDir, 0, 0, nil) }

func (a *archive) device(name string, major, minor int) {
	a.entry(name, modeDevice, major, minor, nil)
}

func (a *archive) text(name string, data []byte) { a.entry(name, modeFile, 0, 0, data) }

// file writes the file at path as name.
func (a *archive) file(name, path string) {
	data, err := os.ReadFile(path)
	if a.err == nil {
		a.err = err
	}
	a.entry(name, modeFile, 0, 0, data)
}

func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	return a.err
}
