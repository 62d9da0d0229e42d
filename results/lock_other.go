//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package results

import "os"

// IsFull reports whether an error is for want of space, which nobody knows here.
func IsFull(error) bool     { return false }
func isReadOnly(error) bool { return false }

// syncDir has nothing to do here: folders can't be synced.
func syncDir(string) error { return nil }

// canLock reports whether tryLock works here.
const canLock = false

// tryLock can't lock here. It reports every lock as another process's, so that
// no folder is ever taken for a dead process's.
func tryLock(*os.File) error { return errLost }
