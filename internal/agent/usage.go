package agent

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"cometbench/internal/command"
	"cometbench/internal/proctree"
	"cometbench/netem"
)

// Usage is what usage prints of a process. What the system doesn't tell is 0.
type Usage struct {
	// Network are the counters of its network namespace.
	Network netem.Counters `json:"network"`
	// CPU is the processor time that it and its descendants have used so far, and
	// Threads that of those of their threads that live, by their id.
	CPU     time.Duration           `json:"cpu_ns"`
	Threads map[int]proctree.Thread `json:"threads,omitempty"`
	// Processors is how many processors they may use.
	Processors int `json:"processors,omitempty"`
	// PeakRSS is the most memory that they have had resident, in bytes.
	PeakRSS int64 `json:"peak_rss_bytes,omitempty"`
	// Container is the memory of the container in which it is, as docker stats shows
	// it, in bytes; 0 outside of one.
	Container int64 `json:"container_bytes,omitempty"`
	// Machine is what the processors did since the machine's start.
	Machine Machine `json:"machine,omitzero"`
	// Throttled is for how long a limit of the processor has kept them from running.
	Throttled time.Duration `json:"throttled_ns,omitempty"`
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
	holders := fs.Int("holders", 0, "leave out so `many` generations at its top: they only hold the others")
	settled := fs.Bool("settled", false, "wait until it has nothing to do")
	reset := fs.Bool("reset-peak", false, "let the peak of its memory begin anew, where this process may")
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench usage [flags]\n\n"+
			"Prints the TCP counters of a process's network namespace since that was made,\n"+
			"and the processor time and memory that it and its descendants have used, as\nJSON.\n\n")
		fs.PrintDefaults()
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	switch {
	case *pid < 1:
		return command.UsageErrorf("usage: -pid %d: want a process id", *pid)
	case *holders < 0:
		return command.UsageErrorf("usage: -holders %d: want 0 or more", *holders)
	}
	var u Usage
	var err error
	if u.Network, err = networkCounters(*pid); err != nil {
		return err
	}
	tree, err := proctree.Read(*pid, *holders)
	if err != nil {
		return err
	}
	for begun := time.Now(); *settled && time.Since(begun) < settling && ctx.Err() == nil; {
		time.Sleep(settledFor)
		before := tree.CPU
		if tree, err = proctree.Read(*pid, *holders); err != nil {
			return err
		}
		if !tree.Runnable && tree.CPU-before < settledFor/10 {
			break
		}
	}
	u.take(tree)
	u.Throttled, u.Container = throttled(*pid), containerMemory(*pid)
	if u.Machine, err = sinceStart(); err != nil {
		return err
	}
	if *reset {
		if err := proctree.ResetPeak(*pid); err != nil {
			return err
		}
	}
	return json.NewEncoder(std.Out).Encode(u)
}

// take takes what a tree has used.
func (u *Usage) take(t proctree.Tree) {
	u.CPU, u.Threads, u.Processors, u.PeakRSS = t.CPU, t.Threads, t.Processors, t.PeakRSS
}

// UsageOf returns what the files of a container tell of a process in it, without
// its network's counters.
func UsageOf(files proctree.Files, pid, holders int) (u Usage, err error) {
	tree, err := files.Tree(pid, holders)
	u.take(tree)
	u.Throttled = files.Throttled()
	return u, err
}

// ofSelf returns what this process has used, without its network's counters.
func ofSelf() (u Usage, err error) {
	tree, err := proctree.Read(os.Getpid(), 0)
	u.take(tree)
	u.Throttled = throttled(os.Getpid())
	return u, err
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

// readProc reads a file of a process, "" on a system that has none.
func readProc(pid int, name string) (string, error) {
	if _, err := os.Stat("/proc/self/stat"); errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	return string(text), err
}
