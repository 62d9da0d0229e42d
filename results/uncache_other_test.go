//go:build !linux

package results

import "errors"

func uncache(string) error { return errors.ErrUnsupported }
