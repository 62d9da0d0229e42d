package eventdb

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestManyPages has as many pages as the format holds, and more.
func TestManyPages(t *testing.T) {
	for last, want := range map[uint32]int64{1<<31 - 1: 0, 1 << 31: 32, 1<<32 - 1: 32} {
		path := filepath.Join(t.TempDir(), "_test")
		w, err := createBDB(path, bdbLayout{version: 9, pageSize: 512})
		if err != nil {
			t.Fatal(err)
		}
		w.last = last
		if err := errors.Join(w.writeMeta(), w.Close()); err != nil {
			t.Fatal(err)
		}
		meta, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var l bdbLayout
		at, wanted, got := l.decode(meta[:bdbMetaSize], (int64(last)+1)*512)
		if at != want || (wanted == "") != (want == 0) {
			t.Errorf("last page %d: got offset %d (%s instead of %s), want offset %d", last, at, got, wanted, want)
		}
	}
}
