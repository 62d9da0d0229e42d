package agent

import (
	"os"
	"testing"
)

func TestContainerMemory(t *testing.T) {
	if got := containerMemory(os.Getpid()); got != 0 {
		t.Errorf("got %d bytes of a process that isn't a container's first", got)
	}
	const stat = "cache 1\ninactive_file 20\ntotal_inactive_file 30\n"
	for name, want := range map[string]int64{"inactive_file": 20, "total_inactive_file": 30, "file": 0, "cache": 1} {
		if got := parseInactive(stat, name); got != want {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
}
