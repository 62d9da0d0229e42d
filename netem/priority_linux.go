package netem

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// prioritize lets this process run before others when a packet is due, as the
// kernel's netem does. Root may ask for that, a container may not: there a large
// share of the CPU helps.
//
// All its threads get the same priority. When the sending thread returns from a
// system call, it may have to spin until Go's monitor thread lets go of it
// (runtime.retake). On a single processor a monitor of lower priority would
// never run meanwhile: packets were seconds late there, until the kernel's
// limit for real-time threads (sched_rt_runtime_us) let the monitor run.
// Threads that are made later inherit the priority of those that make them.
func prioritize() {
	first := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}
	for changed := true; changed; {
		changed = false
		for _, thread := range threads() {
			have, err := unix.SchedGetAttr(thread, 0)
			if err != nil || have.Policy == unix.SCHED_FIFO {
				continue // it has ended, or has it
			}
			if unix.SchedSetAttr(thread, &first, 0) == nil {
				changed = true
			} else {
				_ = unix.Setpriority(unix.PRIO_PROCESS, thread, -20)
			}
		}
	}
}

// runsFirst reports whether the calling thread runs before all others.
func runsFirst() bool {
	have, err := unix.SchedGetAttr(0, 0)
	return err == nil && have.Policy == unix.SCHED_FIFO
}

// threads returns the threads of this process, none where /proc isn't mounted.
func threads() []int {
	entries, _ := os.ReadDir("/proc/self/task")
	var ids []int
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}
