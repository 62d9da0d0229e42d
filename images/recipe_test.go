package images

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cometbench/subject"
)

func TestRecipe(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := subject.Parse("comet@" + dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newRecipe(b, dir); err == nil || !strings.Contains(err.Error(), "setup.py") {
		t.Errorf("an empty folder: %v, want an error that names setup.py", err)
	}
	if _, err := newRecipe(b, filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("no folder: %v, want an error that says so", err)
	}
	write("setup.py", "")
	write("comet/__init__.py", "__version__ = '1.1.0'\n")
	old, err := newRecipe(b, dir)
	if err != nil || old.python != "2.7" {
		t.Fatalf("newRecipe = %+v, %v, want Python 2.7", old, err)
	}
	write(".git/HEAD", "ref")
	write("comet/__init__.pyc", "x")
	same, err := newRecipe(b, dir)
	if err != nil || same.digest() != old.digest() {
		t.Errorf("what is no source changes the digest: %v", err)
	}
	write("comet/__init__.py", "version_info = (3, 2, 0)\n")
	changed, err := newRecipe(b, dir)
	if err != nil || changed.digest() == old.digest() || changed.python != "3.11" {
		t.Errorf("newRecipe = %+v, %v, want another digest and Python 3.11", changed, err)
	}
}
