package experiment

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
)

// availableMemory reads how many bytes programs can still get without swapping
// (proc_meminfo(5)).
func availableMemory() (uint64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var kilobytes uint64
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10, nil
		}
	}
	return 0, fmt.Errorf("/proc/meminfo: got no MemAvailable, want it as Linux has had it since 3.14")
}
