package netem

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// Exec replaces the calling process by a command in the network namespace at a
// path such as /proc/1/ns/net. It returns only if that fails.
func Exec(namespace string, command []string) error {
	if len(command) == 0 {
		return fmt.Errorf("no command to run in the network namespace %s: name one", namespace)
	}
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	// The thread that execs is the one whose namespace the process keeps.
	runtime.LockOSThread()
	if err := enter(namespace); err != nil {
		return err
	}
	if err := unix.Exec(path, command, os.Environ()); err != nil {
		return fmt.Errorf("run %s: %w", path, err)
	}
	return nil
}

// enter takes the calling thread into a network namespace.
func enter(namespace string) error {
	fd, err := unix.Open(namespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the network namespace %s: %w", namespace, err)
	}
	defer unix.Close(fd)
	return answer(unix.Setns(fd, unix.CLONE_NEWNET), "enter the network namespace "+namespace)
}

// inside runs f on a thread in the network namespace of the process pid.
func inside(pid int, f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		// A thread that has no way back ends with this goroutine, unless it is
		// the first of its process: that one stays, and the process's
		// namespace is that of its first thread.
		old, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			result <- fmt.Errorf("open the thread's network namespace: %w", err)
			return
		}
		defer unix.Close(old)
		if err = enter(fmt.Sprintf("/proc/%d/ns/net", pid)); err == nil {
			err = f()
		}
		if lost := unix.Setns(old, unix.CLONE_NEWNET); lost != nil {
			err = errors.Join(err, fmt.Errorf("return to the thread's network namespace: %w", lost))
		} else {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}
