package netem

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"cometbench/internal/require"
)

// TestRestricted makes pairs where the system refuses them. The error must be
// ErrUnsupported, and name the cause and what to do.
func TestRestricted(t *testing.T) {
	require.Root(t)
	const root, nobody = 0, 65534
	for _, test := range []struct {
		name        string
		restriction string // a sysctl's setting, or "netlink"
		uid         int
		want        string
	}{
		{"no user namespaces", "user/max_user_namespaces=0", nobody,
			"(no space left on device): the sysctl user.max_user_namespaces is 0, raise it, or run as root"},
		{"no network namespaces", "user/max_net_namespaces=0", nobody,
			"(no space left on device): the sysctl user.max_net_namespaces is 0, raise it"},
		{"no network namespaces for root", "user/max_net_namespaces=0", root,
			"(no space left on device): the sysctl user.max_net_namespaces is 0, raise it"},
		{"one network namespace for root", "user/max_net_namespaces=1", root,
			"(no space left on device): raise the sysctl user.max_net_namespaces"},
		{"no netlink", "netlink", nobody,
			"(operation not permitted): run outside of the container or security policy that refuses it, or as root"},
		{"no netlink for root", "netlink", root,
			"(operation not permitted): run outside of the container or security policy that refuses it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(copySelf(t), "restricted", test.restriction, strconv.Itoa(test.uid))
			cmd.Dir = "/"
			all := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1 << 16}}
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags: syscall.CLONE_NEWUSER, UidMappings: all, GidMappings: all, GidMappingsEnableSetgroups: true,
			}
			p := start(t, cmd)
			var n nested
			p.read(t, &n)
			p.end(t)
			want := "make a pair of network namespaces: the right to make network namespaces is missing " + test.want
			if !n.Unsupported || !strings.HasPrefix(n.Err, want) {
				t.Errorf("got %q (unsupported: %v), want %q", n.Err, n.Unsupported, want)
			}
		})
	}
}

// restricted runs nest under a restriction, as a user of its user namespace.
func restricted(restriction, user string) error {
	uid, err := strconv.Atoi(user)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if name, value, ok := strings.Cut(restriction, "="); ok {
		err = os.WriteFile("/proc/sys/"+name, []byte(value), 0)
	} else {
		err = refuseNetlink()
	}
	if err != nil {
		return fmt.Errorf("restriction %s: %w", restriction, err)
	}
	if uid != 0 {
		err = errors.Join(syscall.Setgroups(nil), syscall.Setgid(uid), syscall.Setuid(uid))
	}
	return errors.Join(err, unix.Exec(self, []string{self, "nest"}, os.Environ()))
}

// refuseNetlink makes the kernel answer EPERM to whoever opens a netlink
// socket, in this process and those that it becomes and starts.
func refuseNetlink() error {
	const number, domain = 0, 16 // offsets in the kernel's seccomp_data
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: number},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_SOCKET, Jf: 3},
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: domain},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.AF_NETLINK, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return errno
	}
	return nil
}
