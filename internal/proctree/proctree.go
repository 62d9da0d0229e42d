// Package proctree reads from Linux's /proc what a process and its descendants
// have used: the processor, and memory (proc(5)).
//
// Why not from their cgroup, which counts the same to the nanosecond: each
// command that an engine executes in a container is in the container's cgroup
// too. Looking at a role there costs 12 ms of processor time, which is as much as
// a Comet needs for ten events.
package proctree

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Tree is what a process and its descendants have used so far.
type Tree struct {
	// CPU is the time that they have been on a processor. It includes threads
	// that have ended, and children that have ended and been waited for: those to
	// 10 ms, a tick of Linux's clock for programs, and what lives to the
	// nanosecond.
	CPU time.Duration
	// PeakRSS is the sum of the most memory that each process has had resident
	// (VmHWM), in bytes: since it started, or since [ResetPeak].
	PeakRSS int64
	// Processors is how many they may use: those of the first that counts, of all
	// that the kernel was built or started for.
	Processors int
	// Threads are those that live, by their id.
	Threads map[int]Thread
	// Runnable says that one of them is on a processor or waits for one.
	Runnable bool
}

// Thread is the time that a thread has been on a processor, and that it has been
// ready to run and waited for one.
type Thread struct {
	Ran    time.Duration `json:"ran_ns"`
	Waited time.Duration `json:"waited_ns"`
}

// clockTick is the unit of the times in /proc/PID/stat, on all of Linux's
// architectures but Alpha.
const clockTick = time.Second / 100

// Files are texts of files in /proc by their names: "8/stat".
type Files map[string]string

// Patterns are the files that a tree is read from. Without the last ones it doesn't
// tell what is runnable.
func Patterns() []string {
	return []string{"[0-9]*/stat", "[0-9]*/status", "[0-9]*/task/*/schedstat", "[0-9]*/task/*/stat"}
}

// ParseFiles reads what `grep -H` prints of files in /proc:
// "/proc/8/stat:8 (python3) S 7". A line may be any part of its file.
func ParseFiles(text string) (Files, error) {
	files := make(Files)
	for line := range strings.Lines(text) {
		name, content, ok := strings.Cut(line, ":")
		name, of := strings.CutPrefix(name, "/proc/")
		if !ok || !of {
			return nil, fmt.Errorf("files of /proc: got %.60q, want a name below /proc and a colon", line)
		}
		files[name] += content
	}
	return files, nil
}

// Read reads the tree of a process. On a system without /proc it is empty.
// holders is how many generations at its top only hold the others, and don't
// count.
func Read(pid, holders int) (Tree, error) {
	if _, err := os.Stat("/proc/self/stat"); errors.Is(err, fs.ErrNotExist) {
		return Tree{}, nil
	}
	files, err := live(pid)
	if err != nil {
		return Tree{}, err
	}
	return files.Tree(pid, holders)
}

// live reads the files of a process and its descendants.
func live(pid int) (Files, error) {
	files := make(Files)
	add := func(pattern string) error {
		paths, err := filepath.Glob(path.Join("/proc", pattern))
		if err != nil {
			return err
		}
		for _, name := range paths {
			text, err := os.ReadFile(name)
			if err != nil && !gone(err) {
				return err
			}
			if err == nil {
				files[strings.TrimPrefix(name, "/proc/")] = string(text)
			}
		}
		return nil
	}
	if err := add("[0-9]*/stat"); err != nil {
		return nil, err
	}
	family, err := files.family(pid)
	if err != nil {
		return nil, err
	}
	for _, member := range family {
		for _, pattern := range Patterns()[1:] {
			if err := add(strings.Replace(pattern, "[0-9]*", strconv.Itoa(member.pid), 1)); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// gone reports whether a process or thread ended before it was looked at.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// member is a process of a tree.
type member struct {
	pid, parent, generation int
	own                     time.Duration // its processor time, with that of threads that have ended
	children                time.Duration // that of the children that it has waited for
}

// Tree adds up the tree of a process, without the holders at its top.
func (f Files) Tree(pid, holders int) (Tree, error) {
	family, err := f.family(pid)
	if err != nil {
		return Tree{}, err
	}
	tree := Tree{Threads: make(map[int]Thread)}
	for _, m := range family {
		if m.generation < holders {
			continue
		}
		var living time.Duration
		threads, err := f.threads(m.pid)
		if err != nil {
			return Tree{}, err
		}
		for id, t := range threads {
			tree.Threads[id] = t
			living += t.Ran
		}
		peak, err := f.peak(m.pid)
		if err != nil {
			return Tree{}, err
		}
		tree.PeakRSS += peak
		if tree.Processors == 0 {
			tree.Processors = f.processors(m.pid)
		}
		tree.CPU += max(living, m.own) + m.children
		tree.Runnable = tree.Runnable || f.runnable(m.pid)
	}
	return tree, nil
}

// family returns a process and all that it and its children have started.
func (f Files) family(pid int) ([]member, error) {
	children := make(map[int][]member)
	var family []member
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if dir, base := path.Split(name); base != "stat" || strings.Count(dir, "/") != 1 {
			continue
		}
		m, err := parseStat(f[name])
		if err != nil {
			return nil, fmt.Errorf("/proc/%s: %w", name, err)
		}
		children[m.parent] = append(children[m.parent], m)
		if m.pid == pid {
			family = append(family, m)
		}
	}
	if len(family) == 0 {
		return nil, fmt.Errorf("process %d: %w", pid, fs.ErrNotExist)
	}
	for i := 0; i < len(family); i++ {
		for _, child := range children[family[i].pid] {
			child.generation = family[i].generation + 1
			family = append(family, child)
		}
	}
	return family, nil
}

// parseStat reads /proc/PID/stat. The second field is the program's name in
// brackets, and may hold both.
func parseStat(text string) (m member, err error) {
	head, _, _ := strings.Cut(text, " ")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const want = 15 // from the third field of stat to cstime
	if len(fields) < want {
		return m, fmt.Errorf("got %.60q, want %d fields and more", text, want+2)
	}
	var ticks [4]int64 // utime, stime, cutime, cstime
	errs := make([]error, 0, 6)
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		errs = append(errs, err)
		return n
	}
	m.pid, m.parent = int(number(head)), int(number(fields[1]))
	for i := range ticks {
		ticks[i] = number(fields[11+i])
	}
	m.own = time.Duration(ticks[0]+ticks[1]) * clockTick
	m.children = time.Duration(ticks[2]+ticks[3]) * clockTick
	return m, errors.Join(errs...)
}

// threads reads the times of a process's threads: none where the kernel doesn't
// tell.
func (f Files) threads(pid int) (map[int]Thread, error) {
	threads := make(map[int]Thread)
	prefix := fmt.Sprintf("%d/task/", pid)
	for name, text := range f {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok || path.Base(rest) != "schedstat" {
			continue
		}
		var id int
		var ran, waited int64
		// Both are in ns (Documentation/scheduler/sched-stats.rst).
		_, err1 := fmt.Sscanf(rest, "%d/schedstat", &id)
		_, err2 := fmt.Sscan(text, &ran, &waited)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("/proc/%s: got %.60q, want three numbers: %w", name, text, err)
		}
		threads[id] = Thread{time.Duration(ran), time.Duration(waited)}
	}
	return threads, nil
}

// runnable reports whether a thread of a process is on a processor or waits for
// one. Its state follows the brackets.
func (f Files) runnable(pid int) bool {
	prefix := fmt.Sprintf("%d/task/", pid)
	for name, text := range f {
		if strings.HasPrefix(name, prefix) && path.Base(name) == "stat" &&
			strings.HasPrefix(text[strings.LastIndexByte(text, ')')+1:], " R") {
			return true
		}
	}
	return false
}

// peak reads the most memory that a process had resident, in bytes; a process
// that has ended has none.
func (f Files) peak(pid int) (int64, error) {
	_, after, ok := strings.Cut(f[fmt.Sprintf("%d/status", pid)], "VmHWM:")
	if !ok {
		return 0, nil
	}
	var kB int64
	if _, err := fmt.Sscanf(after, "%d kB", &kB); err != nil {
		return 0, fmt.Errorf("/proc/%d/status: VmHWM: %w", pid, err)
	}
	return kB << 10, nil
}

// processors reads how many processors a process may use, 0 where it isn't told:
// of "Cpus_allowed_list: 0-2,5" there are 4.
func (f Files) processors(pid int) (n int) {
	_, after, _ := strings.Cut(f[fmt.Sprintf("%d/status", pid)], "Cpus_allowed_list:")
	list, _, _ := strings.Cut(strings.TrimSpace(after), "\n")
	for item := range strings.SplitSeq(list, ",") {
		var first, last int
		switch scanned, _ := fmt.Sscanf(item, "%d-%d", &first, &last); {
		case scanned == 1:
			n++
		case scanned == 2 && last >= first:
			n += last - first + 1
		}
	}
	return n
}

// ResetPeak lets the peaks of a tree's memory begin anew. That of another user's
// process goes on as before, and so do all on a kernel that can't do it.
func ResetPeak(pid int) error {
	files, err := live(pid)
	if err != nil {
		return err
	}
	family, err := files.family(pid)
	if err != nil {
		return err
	}
	for _, m := range family {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", m.pid), []byte("5"), 0)
	}
	return nil
}

// Busiest returns for how long that thread ran from before to after that ran for
// the longest time, and for how long all of them waited together.
func Busiest(before, after map[int]Thread) (ran, waited time.Duration) {
	for id, t := range after {
		ran = max(ran, t.Ran-before[id].Ran)
		waited += t.Waited - before[id].Waited
	}
	return ran, waited
}
