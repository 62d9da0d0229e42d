package results

import (
	"path/filepath"
	"testing"
)

func TestKept(t *testing.T) {
	tree := Tree{madeTree(t, same, true)}
	kept, err := tree.Kept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]int{"embedded/0ms/1c": 1, "comet-3.1.0/0ms/64c": 12, "embedded/1ms/1c": 0} {
		if got := len(kept[dir]); got != want {
			t.Errorf("%s: %d runs kept, want %d", dir, got, want)
		}
	}
	if kept, err := (Tree{filepath.Join(tree.Dir, "nothing")}).Kept(t.Context()); len(kept) != 0 || err != nil {
		t.Errorf("a tree that isn't there yet holds %v, %v", kept, err)
	}
}
