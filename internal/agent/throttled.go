package agent

import (
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"cometbench/internal/proctree"
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
				sum += proctree.ParseThrottled(string(text))
			}
			if dir == "/" {
				break
			}
		}
	}
	return sum
}
