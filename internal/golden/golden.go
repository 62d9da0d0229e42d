// Package golden compares what tests write with golden files: output that somebody
// has looked at once and found right.
package golden

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew; look at what changed")

// Check fails the test if got differs from the file testdata/name.
func Check(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range gotLines {
		if i >= len(wantLines) || !bytes.Equal(gotLines[i], wantLines[i]) {
			t.Errorf("line %d differs from %s (go test -update writes it anew): got %.500q, want %.500q",
				i+1, file, gotLines[i], bytes.Join(wantLines[min(i, len(wantLines)):min(i+1, len(wantLines))], nil))
			return
		}
	}
	t.Errorf("%d lines, want the %d of %s (go test -update writes it anew)", len(gotLines), len(wantLines), file)
}
