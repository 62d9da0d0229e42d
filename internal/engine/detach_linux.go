package engine

import (
	"os/exec"
	"syscall"
)

// detach keeps the terminal's Ctrl-C from a process that is to outlive this one.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
