package embedded

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"cometbench/eventdb"
	"cometbench/vtp"
)

// maxAuthors bounds the databases of a store: each author has its own.
const maxAuthors = 256

// Store keeps events in a folder: a database for each author, named after the
// author as Comet names it (ivo://comet.broker/test is comet.broker_test), from
// the SHA-1 of an event's bytes to the Unix time at which it was received.
type Store struct {
	dir string

	mu        sync.RWMutex
	databases map[string]*eventdb.Writer
}

// OpenStore makes a store in a folder that exists and has no databases of ours
// yet: an old one would be counted with the new.
func OpenStore(dir string) (*Store, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("event databases: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("event databases: %s is no folder", dir)
	}
	return &Store{dir: dir, databases: make(map[string]*eventdb.Writer)}, nil
}

// storeError is an error of a database, after which nothing can be kept.
type storeError struct{ error }

// Put keeps an event that was received at a time, and tells whether it is new.
func (s *Store) Put(ivoid []byte, sum [sha1.Size]byte, received time.Time) (added bool, err error) {
	author, _, err := vtp.SplitIVOID(ivoid)
	if err != nil {
		return false, err
	}
	db, err := s.database(author)
	if err != nil {
		return false, &storeError{err}
	}
	var key [2 * sha1.Size]byte
	hex.Encode(key[:], sum[:])
	var value [32]byte
	if added, err = db.Put(key[:], appendTime(value[:0], received)); err != nil {
		return false, &storeError{err}
	}
	return added, nil
}

// appendTime writes a time as Python 3's time.time() is written: Unix seconds
// with seven decimals.
func appendTime(dst []byte, t time.Time) []byte {
	dst = strconv.AppendInt(dst, t.Unix(), 10)
	dst = append(dst, '.')
	n := t.Nanosecond() / 100
	for power := 1_000_000; power > 0; power /= 10 {
		dst = append(dst, byte('0'+n/power%10))
	}
	return dst
}

// database returns the database of an author.
func (s *Store) database(author []byte) (*eventdb.Writer, error) {
	s.mu.RLock()
	db := s.databases[string(author)]
	s.mu.RUnlock()
	if db != nil {
		return db, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.databases == nil {
		return nil, os.ErrClosed
	}
	if db := s.databases[string(author)]; db != nil {
		return db, nil
	}
	if len(s.databases) >= maxAuthors {
		return nil, fmt.Errorf("events of more than %d authors", maxAuthors)
	}
	name := string(bytes.ReplaceAll(author, []byte("/"), []byte("_")))
	db, err := eventdb.Create(filepath.Join(s.dir, name))
	if err != nil {
		return nil, err
	}
	s.databases[string(author)] = db
	return db, nil
}

// Close closes the databases.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, db := range s.databases {
		errs = append(errs, db.Close())
	}
	s.databases = nil
	return errors.Join(errs...)
}
