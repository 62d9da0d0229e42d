package results

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// Whatever an author's log ends with, reading it gives counts or an error.
func FuzzAuthorLog(f *testing.F) {
	f.Add([]byte("2026-11-23 14:22:47+0000 [-] Total reactor running time: 0.691067s\n2026-11-23 14:22:47+0000 [-] " +
		"0/200/0 messages queued/sent/failed\n"))
	f.Add([]byte("Total reactor running time: 13.264000s\r\n0/9990/10 messages queued/sent/failed"))
	f.Add([]byte("Total reactor running time: 1e9s\n-1/0/0 messages queued/sent/failed\n"))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, tail []byte) {
		l, err := parseAuthorLog(tail)
		if err == nil && (l.elapsed < 0 || l.queued < 0 || l.sent < 0 || l.failed < 0 || l.events() < l.sent) {
			t.Errorf("%q: %+v", tail, l)
		}
	})
}

// Whatever Read takes for results can be written as JSON and read again.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"brokers.json", "original-paper.json", "bench.txt"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:min(len(text), 4<<10)])
	}
	f.Add([]byte(`{"0":{"1":{"author":{"min":1},"broker":{},"subscriber":{},"missing":-10000}}}`))
	f.Add([]byte(`{"b":{"0.5":{"1":{"author":{"mean":1e300},"broker":{},"subscriber":{},"missing":0}}},"c":{"0":{}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := Read(bytes.NewReader(text), "fuzz", Options{})
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := set.WriteJSON(&b, true); err != nil {
			return // figures that JSON can't hold, of a benchmark: NaN, Inf
		}
		again, err := Read(&b, "again", Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if len(again.Cells) != len(set.Cells) {
			t.Errorf("%d cells, then %d", len(set.Cells), len(again.Cells))
		}
	})
}
