package results

import (
	"errors"
	"os"
)

const lockSuffix = ".lock"

// errLost means that a lock is another process's.
var errLost = errors.New("locked by another process")

// lock is a locked file. The system unlocks it when the process ends, however it
// ends. So a staging folder whose lock can be taken is a dead process's, even
// where processes of several containers add to one tree and can't see each
// other's numbers.
type lock struct {
	path string
	f    *os.File
}

// newLock makes and locks a file of a new name in dir.
func newLock(dir string) (*lock, error) {
	f, err := os.CreateTemp(dir, stagingPrefix+"*"+lockSuffix)
	if err != nil {
		return nil, err
	}
	l := &lock{f.Name(), f}
	if !canLock {
		return l, nil // nobody takes locks here
	}
	return l.take()
}

// takeLock locks a file that is there: one that a dead process left.
func takeLock(path string) (*lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errLost
	}
	if err != nil {
		return nil, err
	}
	return (&lock{path, f}).take()
}

// take locks the file, and makes sure that it still is the one of that name:
// between opening and locking, another process may have locked and removed it.
func (l *lock) take() (*lock, error) {
	err := tryLock(l.f)
	if err == nil {
		var have, named os.FileInfo
		if have, err = l.f.Stat(); err == nil {
			named, err = os.Stat(l.path)
			if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(have, named) {
				err = errLost
			}
		}
	}
	if err != nil {
		return nil, errors.Join(err, l.f.Close())
	}
	return l, nil
}

// release removes the file and unlocks it.
func (l *lock) release() error {
	return errors.Join(os.Remove(l.path), l.f.Close())
}
