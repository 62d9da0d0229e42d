package agent

import (
	"os"
	"strconv"
	"strings"
)

// containerMemory reads how much memory a container holds, in bytes, as `docker
// stats` shows it: that of its cgroup, files in memory included, without the file
// pages that nobody has used of late. It is 0 of a process that isn't a container's
// first, and where this process may not look.
func containerMemory(pid int) int64 {
	if pid != 1 {
		return 0
	}
	const root = "/proc/1/root/sys/fs/cgroup/"
	for _, version := range []struct{ usage, stat, inactive string }{
		{root + "memory.current", root + "memory.stat", "inactive_file"},
		{root + "memory/memory.usage_in_bytes", root + "memory/memory.stat", "total_inactive_file"},
	} {
		usage, err1 := os.ReadFile(version.usage)
		stat, err2 := os.ReadFile(version.stat)
		n, err3 := strconv.ParseInt(strings.TrimSpace(string(usage)), 10, 64)
		if err1 == nil && err2 == nil && err3 == nil {
			return n - parseInactive(string(stat), version.inactive)
		}
	}
	return 0
}

// parseInactive reads one figure from the text of memory.stat: a name and a number
// on each line.
func parseInactive(text, name string) int64 {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64) // 0 where it is none
			return n
		}
	}
	return 0
}
