//go:build !linux

package testbed

import "os/exec"

// bindToParent does nothing where no system call binds a child to its parent:
// what a killed benchmark leaves there, the janitor ends.
func bindToParent(*exec.Cmd) {}

// detach does nothing: a janitor that a Ctrl-C ends too has this process's own
// clean-up before it.
func detach(*exec.Cmd) {}
