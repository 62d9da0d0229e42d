package testbed

import (
	"os/exec"
	"syscall"
)

// bindToParent makes a process end with this one however that ends, and keeps
// the terminal's Ctrl-C from it: it is stopped in order, by us.
func bindToParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	cmd.SysProcAttr.Setpgid = true
}
