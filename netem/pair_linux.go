package netem

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startTimeout is how long a pair may take to come up; stopTimeout is how long
// its processes may take to end by themselves.
const (
	startTimeout = 20 * time.Second
	stopTimeout  = 2 * time.Second
)

// NewPair makes two network namespaces that are joined by a veth pair:
// directly as root, else in a user namespace. The executable is a cometbench
// binary, or another whose subcommands "pair", "within" and "pause" do what
// cometbench's do. Its processes end with this one, however it ends. Close the
// pair when it is no longer needed.
//
// Where this machine or this user can't have network namespaces, the error is
// [ErrUnsupported].
func NewPair(ctx context.Context, executable string) (*Pair, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	p := &Pair{executable: executable, user: !mayMakeNamespaces()}
	if err := p.start(ctx); err != nil {
		return nil, fmt.Errorf("make a pair of network namespaces: %w", err)
	}
	return p, nil
}

// mayMakeNamespaces reports whether this process holds CAP_SYS_ADMIN and
// CAP_NET_ADMIN, so that it needs no user namespace.
func mayMakeNamespaces() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	const both = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_NET_ADMIN
	return data[0].Effective&both == both
}

// start starts the subcommand "pair" and waits for its report.
func (p *Pair) start(ctx context.Context) error {
	cmd := exec.Command(p.executable, "pair")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if p.user {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	exited, err := startInNamespace(cmd)
	if err != nil {
		return p.advise(err)
	}
	p.close = sync.OnceValue(func() error {
		_ = stdin.Close() // it ends by that
		timeout := time.AfterFunc(stopTimeout, func() { _ = cmd.Process.Kill() })
		defer timeout.Stop()
		return <-exited
	})
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	var report pairReport
	if err := json.NewDecoder(stdout).Decode(&report); err != nil {
		_ = p.close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if text := strings.TrimSpace(stderr.String()); text != "" {
			err = errors.New(text)
		}
		return fmt.Errorf("%s pair: %w", filepath.Base(p.executable), err)
	}
	if report.Unsupported != nil {
		_ = p.close()
		return p.advise(report.Unsupported)
	}
	if _, err := exec.LookPath("nsenter"); err != nil && p.user {
		_ = p.close()
		return &unsupported{Missing: "the command nsenter", Remedy: "install util-linux, or run as root"}
	}
	p.Interface, p.AuthorAddr, p.BrokerAddr = report.Interface, report.AuthorAddr, report.BrokerAddr
	p.author, p.broker = cmd.Process.Pid, report.Broker
	return nil
}

// startInNamespace starts a command that has a network namespace of its own
// and dies with this process. The kernel counts the death of the thread that
// started it, so that thread is kept until the command has ended. What Wait
// returns is delivered on exited, once.
func startInNamespace(cmd *exec.Cmd) (exited <-chan error, err error) {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
		}
	}()
	// EINVAL: the kernel was built without such namespaces.
	err = <-started
	return done, refused(err, unix.EPERM, unix.EACCES, unix.ENOSPC, unix.EUSERS, unix.EINVAL)
}

// namespaceRight is what a system withholds that makes no namespaces for us.
const namespaceRight = "the right to make network namespaces"

// refused returns err, as the want of [namespaceRight] where it is one of the
// errnos.
func refused(err error, errnos ...syscall.Errno) error {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok || !slices.Contains(errnos, errno) {
		return err
	}
	return &unsupported{Missing: namespaceRight, Cause: errno.Error()}
}

// restrictions are the sysctls by which a system withholds [namespaceRight], with
// the value that does. The first of them doesn't bind root.
var restrictions = []struct{ name, value, remedy string }{
	{"user/max_net_namespaces", "0", "raise it"},
	{"user/max_user_namespaces", "0", "raise it, or run as root"},
	{"kernel/unprivileged_userns_clone", "0", "set it to 1, or run as root"},             // Debian
	{"kernel/apparmor_restrict_unprivileged_userns", "1", "set it to 0, or run as root"}, // Ubuntu
}

// advise adds to the want of [namespaceRight] what to do about it.
func (p *Pair) advise(err error) error {
	lacking, ok := errors.AsType[*unsupported](err)
	if !ok || lacking.Missing != namespaceRight {
		return err
	}
	candidates := restrictions
	if lacking.Remedy = "run outside of the container or security policy that refuses it"; p.user {
		lacking.Remedy += ", or as root"
	} else {
		candidates = restrictions[:1]
	}
	if lacking.Cause == unix.ENOSPC.Error() {
		lacking.Remedy = "raise the sysctl user.max_net_namespaces or user.max_user_namespaces, here or in the host"
	}
	for _, r := range candidates {
		value, err := os.ReadFile("/proc/sys/" + r.name)
		if err == nil && strings.TrimSpace(string(value)) == r.value {
			lacking.Remedy = fmt.Sprintf("the sysctl %s is %s, %s", strings.ReplaceAll(r.name, "/", "."), r.value,
				r.remedy)
			break
		}
	}
	return lacking
}

// AuthorCommand is [exec.CommandContext] for a command in the author's
// namespace. What isn't a path is looked up in PATH.
func (p *Pair) AuthorCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	return p.command(ctx, p.author, name, args)
}

// BrokerCommand is [exec.CommandContext] for a command in the broker's
// namespace. What isn't a path is looked up in PATH.
func (p *Pair) BrokerCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	return p.command(ctx, p.broker, name, args)
}

func (p *Pair) command(ctx context.Context, pid int, name string, args []string) *exec.Cmd {
	if p.user {
		// A Go program can't enter a user namespace: it has threads from
		// the start.
		target := []string{"--preserve-credentials", "--user", "--net", "--target", strconv.Itoa(pid), "--", name}
		return exec.CommandContext(ctx, "nsenter", append(target, args...)...)
	}
	target := []string{"within", "-net", fmt.Sprintf("/proc/%d/ns/net", pid), "--", name}
	return exec.CommandContext(ctx, p.executable, append(target, args...)...)
}

// Close ends the processes that keep the namespaces, which are gone when no
// other process runs in them.
func (p *Pair) Close() error {
	if p.close == nil {
		return nil
	}
	if err := p.close(); err != nil {
		return fmt.Errorf("end the pair of network namespaces: %w", err)
	}
	return nil
}

// RunPair is the subcommand "pair" of the executable of [NewPair], which
// starts it in the author's namespace. It makes the broker's namespace, joins
// the two, reports on stdout, and keeps both in being until stdin or the
// context ends. The executable's subcommand "pause" keeps the broker's.
func RunPair(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pause := exec.CommandContext(ctx, self, "pause", "-for", "24h")
	pause.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	var report pairReport
	exited, err := startInNamespace(pause)
	if err == nil {
		report, err = join(pause.Process.Pid)
	}
	out := json.NewEncoder(stdout)
	if lacking, ok := errors.AsType[*unsupported](err); ok {
		_ = out.Encode(pairReport{Unsupported: lacking})
	}
	if err != nil {
		return err
	}
	if err := out.Encode(report); err != nil {
		return fmt.Errorf("report a pair of network namespaces: %w", err)
	}
	eof := make(chan struct{})
	go func() {
		defer close(eof)
		_, _ = io.Copy(io.Discard, stdin)
	}()
	select {
	case <-eof:
		return nil
	case <-ctx.Done():
		return nil
	case err := <-exited:
		return fmt.Errorf("the process that kept the broker's network namespace has ended: %v", err)
	}
}
