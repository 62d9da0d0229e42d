package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// Machine is what the processors did of the machine on which a program ran: the
// engine's host, from inside a container. It is zero where the system doesn't
// tell.
type Machine struct {
	Cores   int           `json:"cores,omitempty"`
	Elapsed time.Duration `json:"elapsed_ns,omitempty"`
	// Idle and Steal are sums over all processors: for how long they had nothing
	// to do, and for how long the hypervisor ran something else on them. The rest
	// of Cores times Elapsed they were busy, whoever made them so.
	Idle  time.Duration `json:"idle_ns,omitempty"`
	Steal time.Duration `json:"steal_ns,omitempty"`
	// Nice is the part of the time when they were busy that programs of low
	// priority took, outside of the kernel: they gave way to this one. It is 0 where
	// this one is such a program itself.
	Nice time.Duration `json:"nice_ns,omitempty"`
}

// Busy returns how long the processors were busy, as a sum over all of them.
func (m Machine) Busy() time.Duration {
	return max(0, time.Duration(m.Cores)*m.Elapsed-m.Idle-m.Steal)
}

// watchMachine returns what tells of the time since it was called.
func watchMachine() (since func() (Machine, error), err error) {
	before, err := readMachine()
	if err != nil {
		return nil, err
	}
	begun, low := time.Now(), lowPriority()
	return func() (Machine, error) {
		m, err := readMachine()
		if err != nil || m.Cores == 0 {
			return Machine{}, err
		}
		m = m.Since(before)
		if m.Elapsed = time.Since(begun); low {
			m.Nice = 0
		}
		return m, nil
	}, nil
}

// sinceStart returns what the processors did since the machine's start.
func sinceStart() (Machine, error) {
	m, err := readMachine()
	if err != nil || m.Cores == 0 {
		return Machine{}, err
	}
	text, err := os.ReadFile("/proc/uptime") // in seconds (proc_uptime(5))
	if err != nil {
		return Machine{}, err
	}
	up, _, _ := strings.Cut(string(text), " ")
	if m.Elapsed, err = time.ParseDuration(up + "s"); err != nil {
		return Machine{}, fmt.Errorf("/proc/uptime: %.80q: %w", text, err)
	}
	if lowPriority() {
		m.Nice = 0
	}
	return m, nil
}

// Since returns what they did since before.
func (m Machine) Since(before Machine) Machine {
	m.Elapsed -= before.Elapsed
	m.Idle -= before.Idle
	m.Steal -= before.Steal
	m.Nice -= before.Nice
	return m
}

// lowPriority reports whether this program gives way to others: whether its nice
// value, field 19 of /proc/self/stat (proc_pid_stat(5)), is above zero.
func lowPriority() bool {
	text, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return false
	}
	// The second field is the program's name in brackets, and may hold anything.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	const nice = 19 - 3
	return len(fields) > nice && fields[nice] != "0" && !strings.HasPrefix(fields[nice], "-")
}

// readMachine reads what /proc/stat counts since the machine's start.
func readMachine() (Machine, error) {
	text, err := os.ReadFile("/proc/stat")
	if errors.Is(err, fs.ErrNotExist) {
		return Machine{}, nil
	}
	if err != nil {
		return Machine{}, err
	}
	return parseMachine(string(text))
}

// parseMachine reads the text of /proc/stat. It has a line for each processor and
// one for all of them, "cpu". Their times are in ticks of 10 ms: in user mode,
// nice, in the kernel, idle, idle while a disk was waited for, in two kinds of
// interrupts, stolen (proc_stat(5)).
func parseMachine(text string) (m Machine, err error) {
	const nice, idle, waiting, steal = 2, 4, 5, 8
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) <= steal || !strings.HasPrefix(fields[0], "cpu") {
			continue
		}
		if fields[0] != "cpu" {
			m.Cores++
			continue
		}
		sums := map[int]*time.Duration{nice: &m.Nice, idle: &m.Idle, waiting: &m.Idle, steal: &m.Steal}
		for field, to := range sums {
			ticks, err := strconv.ParseInt(fields[field], 10, 64)
			if err != nil {
				return Machine{}, fmt.Errorf("/proc/stat: %.80q: %w", line, err)
			}
			*to += time.Duration(ticks) * (time.Second / 100)
		}
	}
	return m, nil
}
