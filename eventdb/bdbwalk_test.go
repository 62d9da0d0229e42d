package eventdb

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// TestLargeBucket reads a bucket of more entries than are looked through for
// one that is there twice.
func TestLargeBucket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "_test")
	w, err := createBDB(path, bdbLayout{version: 8, pageSize: 65536})
	if err != nil {
		t.Fatal(err)
	}
	var pairs []bdbPair
	for i := uint32(0); len(pairs) <= bdbMaxBucket; i++ {
		key := binary.LittleEndian.AppendUint32(nil, i)
		if w.bucket(bdbHash(key)) == 0 {
			pairs = append(pairs, bdbPair{key, append([]byte{bdbItemData}, key...), []byte{bdbItemData}})
		}
	}
	if err := errors.Join(w.fillChain([]uint32{w.page(0)}, pairs), w.writeMeta(), w.Close()); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n := 0
	for _, err = range db.Entries(t.Context()) {
		n++
	}
	if err == nil || !strings.Contains(err.Error(), "entries in bucket 0") {
		t.Errorf("%d entries, %v", n, err)
	}
}
