package results

import (
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"cometbench/matrix"
)

func TestSpace(t *testing.T) {
	tree := Tree{filepath.Join(t.TempDir(), "not", "there")}
	cells := matrix.Matrix{Brokers: []string{"b"}, Latencies: matrix.Paper().Latencies, Conns: matrix.Paper().Conns,
		Events: 10_000}.Cells()
	s, err := tree.Space(slices.Repeat(cells, 100))
	if err != nil {
		t.Fatal(err)
	}
	// The paper's matrix, 100 counts: a run holds two databases of 1.34 MB.
	if s.Runs != 6000 || s.Bytes < 6000*2*1_339_392 || s.Bytes > 6000*5_000_000 {
		t.Errorf("%+v", s)
	}
	if !(Space{Bytes: 5, Free: -1}).Enough() || (Space{Bytes: 5, Free: 4}).Enough() {
		t.Error("Enough is wrong")
	}
	if got, want := (Space{600, 1_740_000_000, 79_900_000_000}).String(),
		"600 runs take about 1.7 GB; 80 GB are free"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFormatBytes(t *testing.T) {
	for _, tt := range []struct {
		n    int64
		want string
	}{{0, "0 B"}, {999, "999 B"}, {1000, "1.0 kB"}, {9_960, "10 kB"}, {999_600, "1.0 MB"}, {1 << 62, "4.6 EB"}} {
		if got := formatBytes(tt.n); got != tt.want {
			t.Errorf("%d: %q, want %q", tt.n, got, tt.want)
		}
	}
}

// A made run takes what was estimated: no less than half of it, no more.
func TestSpaceOfRun(t *testing.T) {
	dir := t.TempDir()
	cell := matrix.Cell{Broker: "b", Conns: 1, Events: 10_000}
	m := madeRun{cell: cell, stored: true, acked: 10_000, elapsed: 1e9, broker: spread(10_000, 1),
		subscriber: spread(10_000, 1)}
	m.write(t, dir, 1)
	var have int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			info, err := e.Info()
			if err != nil {
				return err
			}
			have += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Tree{dir}.Space([]matrix.Cell{cell})
	if err != nil {
		t.Fatal(err)
	}
	if have > s.Bytes || have < s.Bytes/2 {
		t.Errorf("a run of 10,000 events takes %d bytes, estimated %d", have, s.Bytes)
	}
}
