package eventdb

import (
	"runtime"
	"sync"
)

const (
	// partSize is how many bytes of a file are worth a goroutine.
	partSize = 256 << 10
	// mostParts is bounded by memory: each part has buffers of its own.
	mostParts = 4
)

// mostReaders is how many goroutines may read a database at once.
func mostReaders() int { return min(runtime.GOMAXPROCS(0), mostParts) }

// partsOf returns into how many parts a file of that size is divided for at
// most so many readers.
func partsOf(size int64, readers int) int {
	return int(max(1, min(size/partSize, int64(readers))))
}

// sideBySide calls read for the parts 0 to n-1, each in a goroutine, and
// returns the error of the first part that has one when all have ended.
func sideBySide(n int, read func(part int) error) error {
	if n == 1 {
		return read(0)
	}
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = read(i) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
