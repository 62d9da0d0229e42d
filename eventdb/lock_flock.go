//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package eventdb

import (
	"errors"
	"fmt"
	"syscall"
)

// locked returns an error if a writer has the GDBM file open: that keeps parts
// of the database in its memory, and says so with an exclusive lock. To see
// the lock means to hold a shared one for an instant, in which GDBM doesn't
// wait but fails to open the file for writing.
func (f *file) locked() error {
	if f.os == nil {
		return nil
	}
	fd := int(f.os.Fd())
	err := syscall.Flock(fd, syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%s: %w (its writer holds a lock on it): want a database that was closed", f.name, ErrChanged)
	}
	if err == nil {
		err = syscall.Flock(fd, syscall.LOCK_UN)
	}
	if err != nil && !errors.Is(err, syscall.ENOTSUP) && !errors.Is(err, syscall.ENOLCK) {
		return fmt.Errorf("%s: look for a lock: %w", f.name, err)
	}
	return nil
}
