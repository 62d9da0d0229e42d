package eventdb

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxArchive is how many bytes of files OpenTar keeps.
const maxArchive = 8 << 30

// isTar tells whether a file that begins with head is a tar archive.
func isTar(head []byte) bool {
	return len(head) == bdbMetaSize && bytes.HasPrefix(head[257:], []byte("ustar"))
}

// OpenTar opens an event database in a tar archive, such as an engine makes of
// a container's files: the one that a Comet calls name (a path in the archive,
// with or without the endings of its files), or if name is empty the only one.
// Only the files of that name, or all if it is empty, are copied to a temporary
// folder, which Close removes.
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
	in := tar.NewReader(r)
	folders := make(map[string]string) // of the archive, and ours
	left := int64(maxArchive)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		entry := path.Clean("/" + h.Name)
		if h.Typeflag != tar.TypeReg || !wanted(entry, name) {
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
			return "", fmt.Errorf("%s: expected files of at most %d bytes in all, found one of %d more", h.Name, int64(maxArchive), h.Size)
		}
		if err := spoolFile(in, filepath.Join(folder, filepath.Base(filepath.FromSlash(entry)))); err != nil {
			return "", fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	switch len(folders) {
	case 0:
		return "", fmt.Errorf("expected files named %s, found none", name+"…")
	case 1:
		for _, folder := range folders {
			return folder, nil
		}
	}
	return "", fmt.Errorf("expected the files of one folder, found those of %d: name the database", len(folders))
}

// wanted tells whether the file at entry may belong to the database.
func wanted(entry, name string) bool {
	if name == "" {
		return true
	}
	rest, ok := strings.CutPrefix(entry, path.Clean("/"+name))
	if !ok {
		return false
	}
	switch rest {
	case "", ".db", ".pag", ".dir", ".dat", "-wal", "-journal":
		return true
	}
	return false
}

func spoolFile(r io.Reader, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
