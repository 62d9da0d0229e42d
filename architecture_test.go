package cometbench

import (
	"go/build"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestArchitecture holds the table of docs/architecture.md against what the
// packages import: each folder has a row, imports what its row lists, and lists
// only folders of rows below it.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	imports := importGraph(t)
	var rows []string
	word := regexp.MustCompile("`([a-z/]+)`")
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		folder := word.FindStringSubmatch(cells[1])[1]
		var want []string
		for _, m := range word.FindAllStringSubmatch(cells[3], -1) {
			want = append(want, m[1])
			if slices.Contains(rows, m[1]) {
				t.Errorf("%s: imports %s, which stands above it", folder, m[1])
			}
		}
		slices.Sort(want)
		if got := imports[folder]; !slices.Equal(got, want) {
			t.Errorf("%s: got imports %q, the table lists %q", folder, got, want)
		}
		rows = append(rows, folder)
		delete(imports, folder)
	}
	for folder := range maps.Keys(imports) {
		t.Errorf("%s: not in the table of docs/architecture.md", folder)
	}
}

// importGraph returns, for each folder with a package, the folders of this
// module that the package imports, sorted.
func importGraph(t *testing.T) map[string][]string {
	t.Helper()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(mod), "\n")
	module := strings.TrimPrefix(first, "module ") + "/"
	graph := make(map[string][]string)
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); name != "." && (strings.HasPrefix(name, ".") || name == "testdata") {
			return filepath.SkipDir
		}
		pkg, err := build.ImportDir(path, 0)
		if err != nil || path == "." {
			return nil // no package, or the benchmark itself, which is tests only
		}
		graph[filepath.ToSlash(path)] = []string{}
		for _, imported := range pkg.Imports {
			if folder, ours := strings.CutPrefix(imported, module); ours {
				graph[filepath.ToSlash(path)] = append(graph[filepath.ToSlash(path)], folder)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return graph
}
