//go:build !linux && !darwin

package results

// freeSpace isn't known here.
func freeSpace(string) (int64, error) { return -1, nil }
