//go:build !linux

package engine

import "os/exec"

// detach does nothing: a janitor that a Ctrl-C ends too has this process's own
// clean-up before it.
func detach(*exec.Cmd) {}
