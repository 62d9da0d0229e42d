package testbed

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// unpack writes the regular files at the top of a tar archive into dir. What
// else a container may send is passed over. The error is ErrFull where they are
// of more than limit bytes.
func unpack(r io.Reader, dir string, limit int64) error {
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			// The archive may be padded: its sender must not be cut off.
			_, err := io.Copy(io.Discard, r)
			return err
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		name := filepath.Clean(header.Name)
		if header.Typeflag != tar.TypeReg || name != filepath.Base(name) || !filepath.IsLocal(name) {
			continue
		}
		if limit -= header.Size; limit < 0 {
			return ErrFull
		}
		if err := writeFile(filepath.Join(dir, name), archive); err != nil {
			return err
		}
	}
}

func writeFile(path string, r io.Reader) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
