package testbed

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// owner identifies a process of this machine for good: process ids are used
// again, so the time it started stands beside its id, and the boot of the
// machine before both. What a run makes is labelled with its owner, so that
// a later run can tell what a dead one left from what a living one uses.
type owner struct {
	boot  string // the boot's id; the host's name where there is none
	pid   int
	start uint64 // clock ticks from boot to start; 0 where unknown
}

func self() (owner, error) {
	boot, err := bootID()
	if err != nil {
		return owner{}, err
	}
	pid := os.Getpid()
	start, err := startTime(pid)
	if err != nil {
		return owner{}, err
	}
	return owner{boot, pid, start}, nil
}

// String returns the label's value, "boot/pid/start".
func (o owner) String() string { return fmt.Sprintf("%s/%d/%d", o.boot, o.pid, o.start) }

// parseOwner reads what String wrote.
func parseOwner(s string) (owner, error) {
	words := strings.Split(s, "/")
	if len(words) != 3 || words[0] == "" {
		return owner{}, fmt.Errorf("owner %q: want boot/pid/start", s)
	}
	pid, err := strconv.Atoi(words[1])
	if err != nil || pid < 1 {
		return owner{}, fmt.Errorf("owner %q: want a process id, not %q", s, words[1])
	}
	start, err := strconv.ParseUint(words[2], 10, 64)
	if err != nil {
		return owner{}, fmt.Errorf("owner %q: want a start time, not %q", s, words[2])
	}
	return owner{words[0], pid, start}, nil
}

// gone reports whether the owner certainly doesn't live any more: a process of
// this boot of this machine that isn't there. Of other boots and machines (a
// shared engine) nothing is known, and nothing is gone.
func (o owner) gone(here owner) bool {
	if o.boot != here.boot {
		return false
	}
	start, err := startTime(o.pid)
	if err == nil {
		return start != o.start
	}
	return os.IsNotExist(err)
}

func bootID() (string, error) {
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("name this machine in labels: %w", err)
	}
	return strings.ReplaceAll(host, "/", "_"), nil
}

// startTime returns when a process started, in clock ticks since boot (field
// 22 of /proc/pid/stat, proc(5)). Its error satisfies os.IsNotExist where the
// process isn't there. Systems without /proc know only whether it is.
func startTime(pid int) (uint64, error) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		p, err := os.FindProcess(pid)
		if err != nil || p.Signal(syscall.Signal(0)) != nil {
			return 0, os.ErrNotExist
		}
		return 0, nil
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is the program's name in brackets, and may hold both.
	_, rest, ok := strings.Cut(string(b[strings.LastIndexByte(string(b), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return 0, fmt.Errorf("/proc/%d/stat: want 52 fields", pid)
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return 0, os.ErrNotExist
	}
	return strconv.ParseUint(fields[19], 10, 64)
}
