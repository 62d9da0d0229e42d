//go:build !linux

package cpuidle

import "os"

// Prevent needs Linux: it does nothing and returns nil.
func Prevent() *os.File { return nil }
