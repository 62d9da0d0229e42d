//go:build linux || darwin

package results

import (
	"math"

	"golang.org/x/sys/unix"
)

// freeSpace returns the bytes that are left for us on dir's file system.
func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return -1, err
	}
	if free := float64(s.Bavail) * float64(s.Bsize); free < math.MaxInt64 {
		return int64(free), nil
	}
	return math.MaxInt64, nil
}
