package eventdb

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
)

// maxArchive is how many bytes of files OpenTar keeps.
const maxArchive = 8 << 30

// isTar reports whether a file that begins with head is a tar archive.
func isTar(head []byte) bool {
	return len(head) == bdbMetaSize && bytes.HasPrefix(head[257:], []byte("ustar"))
}

// OpenTar opens an event database in a tar archive, such as an engine makes of
// a container's files: the one that a Comet calls name (a path in the archive,
// with or without the endings of its files), or if name is empty the only one.
// Only the files of that name, or all if it is empty, are copied to a temporary
// folder, which Close removes. An archive without the two blocks of zeros at its
// end is an error, as one that may have been cut short.
func OpenTar(r io.Reader, name string) (db *DB, err error) {
	dir, err := os.MkdirTemp("", "eventdb")
	if err != nil {
		return nil, fmt.Errorf("open event database: %w", err)
	}
	remove := func() error { return os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			err = errors.Join(err, remove())
		}
	}()
	folder, err := spool(r, name, dir)
	if err != nil {
		return nil, fmt.Errorf("open event database in a tar archive: %w", err)
	}
	if name != "" {
		folder = filepath.Join(folder, path.Base(name))
	}
	db, err = Open(folder)
	if err != nil {
		return nil, fmt.Errorf("tar archive: %w", err)
	}
	db.closed = remove
	return db, nil
}

// spool copies files of the archive into dir, and returns the folder that
// holds them: the files of a folder of the archive share one.
func spool(r io.Reader, name, dir string) (string, error) {
	all := &exhausting{r: r}
	in := tar.NewReader(all)
	folders := make(map[string]string) // of the archive, and ours
	left := int64(maxArchive)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			// Next also takes the end of what there is to read for the archive's,
			// and that may be where it was cut between a database and its log.
			if all.exhausted {
				return "", errors.New("got nothing at the archive's end, want two blocks of zeros: was it cut short?")
			}
			break
		}
		if err != nil {
			return "", err
		}
		entry := path.Clean("/" + h.Name)
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse {
			continue
		}
		if name != "" && !Belongs(entry, path.Clean("/"+name)) {
			continue
		}
		folder, ok := folders[path.Dir(entry)]
		if !ok {
			folder = filepath.Join(dir, fmt.Sprint(len(folders)))
			if err := os.Mkdir(folder, 0o700); err != nil {
				return "", err
			}
			folders[path.Dir(entry)] = folder
		}
		if left -= h.Size; left < 0 {
			return "", fmt.Errorf("%s: got a file of %d bytes more, want at most %d in all", h.Name, h.Size,
				int64(maxArchive))
		}
		if err := spoolFile(in, filepath.Join(folder, filepath.Base(filepath.FromSlash(entry)))); err != nil {
			return "", fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	switch len(folders) {
	case 0:
		return "", fmt.Errorf("got no files named %s, want those of a database", name+"…")
	case 1:
		for _, folder := range folders {
			return folder, nil
		}
	}
	return "", fmt.Errorf("got the files of %d folders, want one: name the database", len(folders))
}

// exhausting notes whether more was asked of a reader than it has.
type exhausting struct {
	r         io.Reader
	exhausted bool
}

func (e *exhausting) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	e.exhausted = e.exhausted || n == 0 && errors.Is(err, io.EOF)
	return n, err
}

// spoolFile copies a file of the archive, which mustn't be another archive:
// there is no end to how deep they may go.
func spoolFile(r io.Reader, to string) error {
	in := bufio.NewReaderSize(r, bdbMetaSize)
	if head, _ := in.Peek(bdbMetaSize); isTar(head) { // Copy has the error, too
		return errors.New("got an archive in the archive, want a file of a database")
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	return errors.Join(err, f.Close())
}
