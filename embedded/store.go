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
	"strings"
	"sync"
	"time"

	"cometbench/eventdb"
	"cometbench/vtp"
)

const (
	// maxDatabases bounds the files that are open: each author has a database,
	// and those beyond this many share one.
	maxDatabases = 256
	// shared is its name, which fileName returns for nobody.
	shared = "%others"
)

// store keeps events in a folder: a database for each author, from the SHA-1 of
// an event's bytes to the Unix time at which it was received.
type store struct {
	dir string

	mu        sync.RWMutex
	databases map[string]*eventdb.Writer // by file name, in lower case
}

// openStore makes a store in a folder that is there and empty: what another
// left would be counted with the new.
func openStore(dir string) (*store, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("event databases: %w", err)
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("event databases: got %s in the folder %s, want an empty one", entries[0].Name(), dir)
	}
	return &store{dir: dir, databases: make(map[string]*eventdb.Writer)}, nil
}

// put keeps an event that was received at a time, and reports whether it is
// new. An error is one of the disk, after which nothing can be kept.
func (s *store) put(ivoid []byte, sum [sha1.Size]byte, received time.Time) (added bool, err error) {
	db, err := s.database(vtp.AuthorOf(ivoid))
	if err != nil {
		return false, err
	}
	var key [2 * sha1.Size]byte
	hex.Encode(key[:], sum[:])
	var value [32]byte
	return db.Put(key[:], appendTime(value[:0], received))
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
func (s *store) database(author []byte) (*eventdb.Writer, error) {
	name := fileName(author)
	key := strings.ToLower(name)
	s.mu.RLock()
	db := s.databases[key]
	s.mu.RUnlock()
	if db != nil {
		return db, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.databases == nil {
		return nil, os.ErrClosed
	}
	if len(s.databases) >= maxDatabases && s.databases[key] == nil {
		name, key = shared, shared
	}
	if db := s.databases[key]; db != nil {
		return db, nil
	}
	db, err := eventdb.Create(filepath.Join(s.dir, name))
	if err != nil {
		return nil, err
	}
	s.databases[key] = db
	return db, nil
}

// maxName is the longest name of a file, in bytes: file systems have 255, and
// what copies a database adds an ending.
const maxName = 200

// fileName returns the name of an author's database: as Comet names it,
// ivo://comet.broker/test comet.broker_test, but no two authors have one name.
// Upper and lower case are the same, as in IVOIDs and some file systems. What
// isn't a letter, a digit or one of -.~ becomes a % and two digits, and the end
// of what is too long %% and the SHA-1 of the author.
func fileName(author []byte) string {
	name := make([]byte, 0, 64)
	for _, c := range author {
		switch lower := c | 0x20; {
		case c == '/':
			name = append(name, '_')
		case 'a' <= lower && lower <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '~':
			name = append(name, c)
		default:
			name = fmt.Appendf(name, "%%%02X", c)
		}
	}
	if len(name) > maxName {
		name = fmt.Appendf(name[:maxName-2-2*sha1.Size], "%%%%%x", sha1.Sum(bytes.ToLower(author)))
	}
	return string(name)
}

// close closes the databases.
func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, db := range s.databases {
		errs = append(errs, db.Close())
	}
	s.databases = nil
	return errors.Join(errs...)
}
