package owner

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"cometbench/internal/require"
)

const hiddenVariable = "COMETBENCH_TEST_HIDDEN"

// TestOwnerHidden: a process that /proc hides from this user isn't gone. It is
// the shell, process 1 of a namespace, that hides from a user.
func TestOwnerHidden(t *testing.T) {
	if os.Getenv(hiddenVariable) != "" {
		judgeHidden(t)
		return
	}
	require.Root(t)
	unshare := require.Command(t, "unshare", "unshare")
	const mount = "mount -t proc -o hidepid=2 proc /proc"
	within := func(script string) *exec.Cmd {
		return exec.CommandContext(t.Context(), unshare, "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, "sh", os.Args[0])
	}
	if out, err := within(mount).CombinedOutput(); err != nil {
		require.Missing(t, "hidepid", strings.TrimSpace(string(out)))
	}
	cmd := within(mount + ` && "$1" -test.run='^TestOwnerHidden$'; exit $?`)
	cmd.Env = append(os.Environ(), hiddenVariable+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func judgeHidden(t *testing.T) {
	shell, err := Of(1)
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
		t.Fatal(err)
	}
	if _, err := startTime(1); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the shell doesn't hide: %v", err)
	}
	if shell.Gone(shell) {
		t.Error("a process that hides is said to be gone")
	}
	ended := shell
	ended.pid = 1 << 22 // more than there can be, proc(5)
	if !ended.Gone(shell) {
		t.Error("a process that isn't there is said to live")
	}
}
