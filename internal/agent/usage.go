package agent

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"cometbench/internal/command"
	"cometbench/netem"
)

// Usage is what usage prints of a process. What the system doesn't tell is 0.
type Usage struct {
	// Network are the counters of its network namespace.
	Network netem.Counters `json:"network"`
	// CPU is the CPU time that it has used so far.
	CPU time.Duration `json:"cpu_ns"`
}

// runUsage prints what a process has used.
func runUsage(_ context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("usage", flag.ContinueOnError)
	pid := fs.Int("pid", os.Getpid(), "the `process`")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench usage [-pid PID]\n\n"+
			"Prints the TCP counters of a process's network namespace since that was made,\n"+
			"and the CPU time that the process has used, as JSON.\n\n")
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
	if u.CPU, err = cpuTime(*pid); err != nil {
		return err
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

// clockTick is the unit of CPU times in /proc/PID/stat: USER_HZ, which is 100
// in the ABI of every Linux port that Go has (proc(5), sysconf(3)).
const clockTick = 10 * time.Millisecond

// cpuTime reads the CPU time that a process has used so far.
func cpuTime(pid int) (time.Duration, error) {
	text, err := readProc(pid, "stat")
	if err != nil || text == "" {
		return 0, err
	}
	// The second field is the program's name in brackets, and may hold both.
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: got %d fields, want 52", pid, len(fields)+2)
	}
	var total time.Duration
	for _, field := range fields[11:13] { // utime and stime
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		total += time.Duration(ticks) * clockTick
	}
	return total, nil
}

// readProc reads a file of a process, "" on a system that has none.
func readProc(pid int, name string) (string, error) {
	if _, err := os.Stat("/proc/self/stat"); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	return string(text), err
}
