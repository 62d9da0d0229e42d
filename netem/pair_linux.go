package netem

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startTimeout is how long a pair may take to come up; stopTimeout how long
// its holders may take to end by themselves.
const (
	startTimeout = 20 * time.Second
	stopTimeout  = 2 * time.Second
)

// holding is what the holder of a pair says of it on its standard output.
type holding struct {
	Interface  string     `json:"interface"`
	AuthorAddr netip.Addr `json:"author_addr"`
	BrokerAddr netip.Addr `json:"broker_addr"`
	Broker     int        `json:"broker_pid"`
}

// NewPair makes two network namespaces that are joined by a veth pair:
// directly as root, else in a user namespace where the system allows it.
// executable is a cometbench binary; its subcommands "pair" and "pause" hold
// the namespaces, and end with this process however it ends. Close the pair
// when it is no longer needed.
//
// Errors that come from the system lacking something are [ErrUnsupported].
func NewPair(ctx context.Context, executable string) (*Pair, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	p := &Pair{executable: executable, user: !mayMakeNamespaces()}
	if err := p.start(ctx); err != nil {
		return nil, fmt.Errorf("network namespaces: %w", err)
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
	const need = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_NET_ADMIN
	return data[0].Effective&need == need
}

// start starts the holder, and waits for it to say that the pair is there.
func (p *Pair) start(ctx context.Context) error {
	cmd := exec.Command(p.executable, "pair")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWNET}
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
	exited, err := startLocked(cmd)
	if err != nil {
		return p.refused(err)
	}
	p.close = sync.OnceValue(func() error {
		_ = stdin.Close() // it ends by that
		timeout := time.AfterFunc(stopTimeout, func() { _ = cmd.Process.Kill() })
		defer timeout.Stop()
		return <-exited
	})
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	var said holding
	if err := json.NewDecoder(stdout).Decode(&said); err != nil {
		_ = p.close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if said := strings.TrimSpace(stderr.String()); said != "" {
			err = errors.New(said)
			if p.user {
				return p.refused(err)
			}
		}
		return fmt.Errorf("%s pair: %w", filepath.Base(p.executable), err)
	}
	p.Interface, p.AuthorAddr, p.BrokerAddr = said.Interface, said.AuthorAddr, said.BrokerAddr
	p.author, p.broker = cmd.Process.Pid, said.Broker
	return nil
}

// refused explains an error of making namespaces.
func (p *Pair) refused(err error) error {
	switch {
	case !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EINVAL) &&
		!errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EUSERS) && !p.user:
		return err
	case p.user:
		return &Error{
			Missing: "the right to make network namespaces",
			Remedy: "this process is not root, and the system refuses it a user namespace; allow them (sysctl kernel.unprivileged_userns_clone=1, " +
				"user.max_user_namespaces above 0; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0), run as root, or use Docker",
			Err: err,
		}
	}
	return &Error{
		Missing: "the right to make network namespaces",
		Remedy:  "the process holds SYS_ADMIN, yet the system refuses: run outside a container, or use Docker",
		Err:     err,
	}
}

// startLocked starts a command that dies with this process. The kernel counts
// the death of the thread that started it, so that thread is kept until the
// command has ended. What Wait says is delivered on exited, once.
func startLocked(cmd *exec.Cmd) (exited <-chan error, err error) {
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
	return done, <-started
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

// Close ends the holders. The namespaces are gone when no other process runs
// in them.
func (p *Pair) Close() error {
	if p.close == nil {
		return nil
	}
	if err := p.close(); err != nil {
		return fmt.Errorf("end the holder of the network namespaces: %w", err)
	}
	return nil
}

// Within replaces the calling process by a command in the network namespace
// at a path such as /proc/1/ns/net. It only returns if that fails.
func Within(namespace string, command []string) error {
	if len(command) == 0 {
		return errors.New("no command to run within the network namespace was given")
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	fd, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the network namespace %s: %w", namespace, err)
	}
	// The thread that execs is the one whose namespace the process keeps.
	runtime.LockOSThread()
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return answer(err, "enter the network namespace "+namespace)
	}
	if err := unix.Exec(path, command, os.Environ()); err != nil {
		return fmt.Errorf("run %s: %w", path, err)
	}
	return nil
}

// HoldPair is what the subcommand "pair" does, in a network namespace of its
// own: it makes the broker's namespace, joins the two, says so on stdout, and
// holds both until stdin ends or the context does. It runs the executable's
// subcommand "pause" to hold the broker's.
func HoldPair(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pause := exec.CommandContext(ctx, self, "pause", "-for", "24h")
	pause.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWNET}
	exited, err := startLocked(pause)
	if err != nil {
		return fmt.Errorf("hold the broker's network namespace: %w", err)
	}
	said, err := join(pause.Process.Pid)
	if err == nil {
		err = json.NewEncoder(stdout).Encode(said)
	}
	if err == nil {
		err = hold(ctx, stdin, exited)
	}
	cancel()
	return err
}

// hold returns when stdin ends, or with an error when the other holder has.
func hold(ctx context.Context, stdin io.Reader, exited <-chan error) error {
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
		return fmt.Errorf("the holder of the broker's network namespace has ended: %v", err)
	}
}
