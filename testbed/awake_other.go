//go:build !linux

package testbed

import "os"

// stayAwake does nothing: parts run on Linux where it matters.
func stayAwake() *os.File { return nil }
