//go:build unix

package embedded

import (
	"errors"
	"syscall"
)

// isTemporary reports whether accepting a connection or creating a file failed for
// a reason that passes.
func isTemporary(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED)
}
