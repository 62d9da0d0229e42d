package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cometbench/internal/command"
	"cometbench/netem"
)

// Usage is what usage prints of a process. What the system doesn't tell is 0.
type Usage struct {
	// Network are the counters of its network namespace.
	Network netem.Counters `json:"network"`
	// CPU is the CPU time that it and its descendants have used so far.
	CPU time.Duration `json:"cpu_ns"`
}

const (
	// A process has settled if it uses less than a tenth of settledFor, and
	// doesn't wait for a processor.
	settledFor = 10 * time.Millisecond
	// settling is how long that is waited for.
	settling = 5 * time.Second
)

// runUsage prints what a process has used.
func runUsage(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("usage", flag.ContinueOnError)
	pid := fs.Int("pid", os.Getpid(), "the `process`")
	settled := fs.Bool("settled", false, "wait until it has nothing to do")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench usage [flags]\n\n"+
			"Prints the TCP counters of a process's network namespace since that was made,\n"+
			"and the CPU time that it and its descendants have used, as JSON.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	if *pid < 1 {
		return command.UsageErrorf("usage: -pid %d: want a process id", *pid)
	}
	var u Usage
	var err error
	if u.Network, err = networkCounters(*pid); err != nil {
		return err
	}
	if u.CPU, _, err = cpuTime(*pid); err != nil {
		return err
	}
	for begun := time.Now(); *settled && time.Since(begun) < settling && ctx.Err() == nil; {
		time.Sleep(settledFor)
		before, runnable := u.CPU, false
		if u.CPU, runnable, err = cpuTime(*pid); err != nil {
			return err
		}
		if !runnable && u.CPU-before < settledFor/10 {
			break
		}
	}
	return json.NewEncoder(std.Out).Encode(u)
}

// networkCounters reads those of a process's network namespace (proc(5)).
func networkCounters(pid int) (netem.Counters, error) {
	var texts []string
	for _, name := range []string{"snmp", "netstat"} {
		text, err := readProc(pid, "net/"+name)
		if err != nil {
			return netem.Counters{}, err
		}
		texts = append(texts, text)
	}
	return netem.ParseCounters(texts...)
}

// cpuTime reads the CPU time that a process and its descendants have used so
// far, and whether one of them runs or waits for a processor. Threads that have
// ended don't count.
func cpuTime(pid int) (total time.Duration, runnable bool, err error) {
	if text, err := readProc(pid, "stat"); err != nil || text == "" {
		return 0, false, err
	}
	family, err := descendants(pid)
	if err != nil {
		return 0, false, err
	}
	for _, member := range family {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", member))
		if err != nil {
			return 0, false, err
		}
		for _, thread := range threads {
			ran, runs, err := threadTime(thread)
			if err != nil && !gone(err) {
				return 0, false, err
			}
			total += ran
			runnable = runnable || runs
		}
	}
	return total, runnable, nil
}

// threadTime reads how long a thread has been on a processor, 0 where the kernel
// doesn't tell, and whether it is or waits to be.
func threadTime(dir string) (ran time.Duration, runnable bool, err error) {
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return 0, false, err
	}
	// The second field is the program's name in brackets; the state is next.
	runnable = bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" R"))
	text, err := os.ReadFile(dir + "/schedstat")
	if err != nil {
		return 0, runnable, err
	}
	// The first figure is the time on a processor in ns
	// (Documentation/scheduler/sched-stats.rst).
	first, _, _ := strings.Cut(string(text), " ")
	ns, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, runnable, fmt.Errorf("%s/schedstat: got %.40q, want three numbers", dir, text)
	}
	return time.Duration(ns), runnable, nil
}

// descendants returns a process and all that it and its children have started.
func descendants(pid int) ([]int, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := make(map[int][]int)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// The second field is the program's name in brackets, and may hold both.
		var state string
		var parent, child int
		_, err1 := fmt.Sscan(string(text), &child)
		_, err2 := fmt.Sscan(string(text[bytes.LastIndexByte(text, ')')+1:]), &state, &parent)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		children[parent] = append(children[parent], child)
	}
	family := []int{pid}
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i]]...)
	}
	return family, nil
}

// gone reports whether a process or thread ended before it was looked at.
func gone(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// readProc reads a file of a process, "" on a system that has none.
func readProc(pid int, name string) (string, error) {
	if _, err := os.Stat("/proc/self/stat"); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	return string(text), err
}
