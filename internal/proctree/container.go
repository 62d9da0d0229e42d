package proctree

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// established is the state of a connection in /proc/PID/net/tcp.
const established = "01"

// ContainerPatterns are the files that tell of a container, and that all of its
// processes share: its limits, in cgroups of version 2 and 1, and its
// connections.
func ContainerPatterns() []string {
	return []string{"1/root/sys/fs/cgroup/cpu.stat", "1/root/sys/fs/cgroup/cpu/cpu.stat", "1/net/tcp", "1/net/tcp6"}
}

// Throttled returns for how long a limit of the processor has kept a container
// from running.
func (f Files) Throttled() (most time.Duration) {
	for name, text := range f {
		if path.Base(name) == "cpu.stat" {
			most = max(most, ParseThrottled(text))
		}
	}
	return most
}

// ParseThrottled reads for how long a cgroup was throttled from the text of its
// cpu.stat: a name and a number on each line.
func ParseThrottled(text string) time.Duration {
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

// Unread returns how many bytes have arrived on the connections of a container,
// and wait for their reader.
func (f Files) Unread() (bytes int64) {
	for _, name := range ContainerPatterns() {
		if path.Dir(name) != "1/net" {
			continue
		}
		for line := range strings.Lines(f[name]) {
			// "0: LOCAL REMOTE STATE SEND:RECEIVE …", all of it in hexadecimal.
			fields := strings.Fields(line)
			if len(fields) < 5 || fields[3] != established {
				continue
			}
			var send, receive int64
			if _, err := fmt.Sscanf(fields[4], "%x:%x", &send, &receive); err == nil {
				bytes += receive
			}
		}
	}
	return bytes
}
