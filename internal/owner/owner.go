// Package owner tells whose the things are that a benchmark makes on this
// machine and its engine, and whether their owner still lives.
package owner

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Labels of all that is made on an engine.
const (
	LabelRun   = "cometbench.run"   // the run's id
	LabelOwner = "cometbench.owner" // the process that made it, as String writes it
)

// Owner identifies a process for good: process ids are used again, so the time
// it started stands beside its id, and before both what its id belongs to: the
// machine, its boot, and the PID namespace, since containers that share a
// machine's engine share its boot as well. What a run makes is labelled with its
// owner, so that a later run can tell what a dead one left from what a living
// one uses.
type Owner struct {
	machine   string // a digest of the machine's id and name
	boot      string // the boot's id; the host's name where there is none
	namespace uint64 // the PID namespace's number; 0 where there is no such thing
	pid       int
	start     uint64 // clock ticks from boot to start; 0 where unknown
}

// Labels returns the labels of what an owner makes for a run.
func (o Owner) Labels(run string) map[string]string {
	return map[string]string{LabelRun: run, LabelOwner: o.String()}
}

// Self returns this process.
func Self() (Owner, error) { return Of(os.Getpid()) }

// Of returns a process of this process's PID namespace.
func Of(pid int) (Owner, error) {
	machine, boot, err := machineAndBoot()
	if err != nil {
		return Owner{}, err
	}
	start, err := startTime(pid)
	if err != nil {
		return Owner{}, err
	}
	return Owner{machine, boot, pidNamespace(), pid, start}, nil
}

// String returns the label's value, "machine/boot/namespace/pid/start".
func (o Owner) String() string {
	return fmt.Sprintf("%s/%s/%d/%d/%d", o.machine, o.boot, o.namespace, o.pid, o.start)
}

// Word returns the label's value as a part of a file's name.
func (o Owner) Word() string { return strings.ReplaceAll(o.String(), "/", "_") }

// ParseWord reads what Word wrote.
func ParseWord(s string) (Owner, error) { return Parse(strings.ReplaceAll(s, "_", "/")) }

// Parse reads what String wrote.
func Parse(s string) (Owner, error) {
	words := strings.Split(s, "/")
	if len(words) != 5 || words[0] == "" || words[1] == "" {
		return Owner{}, fmt.Errorf("owner %q: want machine/boot/namespace/pid/start", s)
	}
	namespace, err := strconv.ParseUint(words[2], 10, 64)
	if err != nil {
		return Owner{}, fmt.Errorf("owner %q: want a PID namespace's number, not %q", s, words[2])
	}
	pid, err := strconv.Atoi(words[3])
	if err != nil || pid < 1 {
		return Owner{}, fmt.Errorf("owner %q: want a process id, not %q", s, words[3])
	}
	start, err := strconv.ParseUint(words[4], 10, 64)
	if err != nil {
		return Owner{}, fmt.Errorf("owner %q: want a start time, not %q", s, words[4])
	}
	return Owner{words[0], words[1], namespace, pid, start}, nil
}

// Gone reports whether the owner certainly doesn't live any more: a process of an
// earlier boot of this machine, or one of this boot and of this process's PID
// namespace that isn't there. Of other machines (a shared engine) and namespaces
// (containers that share one) nothing is known, and nothing is gone.
func (o Owner) Gone(here Owner) bool {
	if o.machine != here.machine {
		return false
	}
	if o.boot != here.boot {
		return true
	}
	if o.namespace != here.namespace {
		return false
	}
	start, err := startTime(o.pid)
	switch {
	case err == nil:
		return start != o.start
	case errors.Is(err, os.ErrProcessDone):
		return true
	}
	// What /proc hides from this user (hidepid, proc(5)) a signal finds.
	return errors.Is(err, os.ErrNotExist) && !alive(o.pid)
}

// alive reports whether there is a process of that id, whoever's it is.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return errors.Is(err, os.ErrPermission)
	}
	defer p.Release()
	return !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// machineAndBoot returns words, without "/" and "_", which separate those of a
// label. A machine's id alone (machine-id(5)) may be that of the image that it
// was made from. Systems that say nothing of their boot have one for ever.
func machineAndBoot() (machine, boot string, err error) {
	host, err := os.Hostname()
	if err != nil {
		return "", "", fmt.Errorf("name this machine in labels: %w", err)
	}
	id, err := os.ReadFile("/etc/machine-id")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", "", fmt.Errorf("name this machine in labels: %w", err)
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(string(id)) + "\n" + host))
	machine, boot = hex.EncodeToString(sum[:])[:12], "boot"
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		boot = strings.TrimSpace(string(b))
	}
	return machine, boot, nil
}

// pidNamespace returns the number of this process's PID namespace: the inode
// that the link "pid:[4026531836]" names (namespaces(7)), 0 where there is none.
func pidNamespace() uint64 {
	link, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return 0
	}
	number, err := strconv.ParseUint(strings.Trim(link, "pid:[]"), 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// startTime returns when a process started, in clock ticks since boot (field
// 22 of /proc/pid/stat, proc(5)). Its error is os.ErrNotExist where no such
// process is to be seen, os.ErrProcessDone where it has ended but is still there.
// Systems without /proc know only whether it is.
func startTime(pid int) (uint64, error) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		if !alive(pid) {
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
		return 0, os.ErrProcessDone
	}
	return strconv.ParseUint(fields[19], 10, 64)
}
