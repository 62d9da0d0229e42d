package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"cometbench/matrix"
)

// What a run's files take, in bytes: an entry of a Berkeley DB file (134 after
// 10,000 events of Python 2, 217 of ours, 211 of Python 3; GDBM and SQLite take
// less), the compressed journeys, and the small files, each rounded up to
// a block.
const (
	entryBytes = 220
	timesBytes = 48
	fixedBytes = 48 << 10
)

// Space is the space on disk that a matrix will take in a tree, and that is free.
type Space struct {
	// Runs is how many runs will be kept.
	Runs int
	// Bytes is about what they take.
	Bytes int64
	// Free is what the file system has left for us in bytes, below 0 if unknown.
	Free int64
}

// Space estimates what runs of these cells take in the tree. The tree's folder
// doesn't have to be there yet.
func (t Tree) Space(runs []matrix.Cell) (Space, error) {
	s := Space{Runs: len(runs)}
	for _, c := range runs {
		s.Bytes += fixedBytes + int64(c.Events)*(2*entryBytes+timesBytes)
	}
	dir, err := filepath.Abs(t.Dir)
	if err != nil {
		return s, t.explain(err)
	}
	for {
		_, err := os.Stat(dir)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return s, t.explain(err)
		}
		dir = filepath.Dir(dir)
	}
	if s.Free, err = freeSpace(dir); err != nil {
		return s, t.explain(err)
	}
	return s, nil
}

// Enough reports whether the runs fit, as far as is known.
func (s Space) Enough() bool { return s.Free < 0 || s.Bytes <= s.Free }

// String says both in words: "600 runs take about 1.7 GB; 80 GB are free".
func (s Space) String() string {
	text := fmt.Sprintf("%d runs take about %s", s.Runs, formatBytes(s.Bytes))
	if s.Free >= 0 {
		text += fmt.Sprintf("; %s are free", formatBytes(s.Free))
	}
	return text
}

// formatBytes writes a size with two digits or three.
func formatBytes(n int64) string {
	const units = "kMGTPE"
	f, unit := float64(n), -1
	for f >= 999.5 && unit+1 < len(units) {
		f /= 1000
		unit++
	}
	switch {
	case unit < 0:
		return fmt.Sprintf("%d B", n)
	case f < 9.95:
		return fmt.Sprintf("%.1f %cB", f, units[unit])
	}
	return fmt.Sprintf("%.0f %cB", f, units[unit])
}
