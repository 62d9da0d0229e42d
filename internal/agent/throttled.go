package agent

import (
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// throttled reads for how long a limit of the processor, of the cgroup of a
// process or of one above it, has kept all that is in it from running. It is 0
// where there is no limit, and where this process may not look.
//
// The files are read as the process sees them: a container sees its own cgroup as
// the root of all.
func throttled(pid int) time.Duration {
	cgroups, err := readProc(pid, "cgroup")
	if err != nil {
		return 0
	}
	var sum time.Duration
	for line := range strings.Lines(cgroups) {
		// "2:cpu,cpuacct:/docker/ID" of version 1, "0::/docker/ID" of version 2
		// (cgroups(7)).
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		controllers, name := fields[1], fields[2]
		if controllers != "" && !strings.Contains(","+controllers+",", ",cpu,") {
			continue
		}
		mount := path.Join(fmt.Sprintf("/proc/%d/root/sys/fs/cgroup", pid), controllers)
		for dir := path.Join("/", name); ; dir = path.Dir(dir) {
			text, err := os.ReadFile(path.Join(mount, dir, "cpu.stat"))
			if err == nil {
				sum += parseThrottled(string(text))
			}
			if dir == "/" {
				break
			}
		}
	}
	return sum
}

// parseThrottled reads the text of cpu.stat: a name and a number on each line.
func parseThrottled(text string) time.Duration {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil:
		case name == "throttled_time": // version 1
			return time.Duration(n)
		case name == "throttled_usec": // version 2
			return time.Duration(n) * time.Microsecond
		}
	}
	return 0
}
