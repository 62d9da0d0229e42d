package netem

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cometbench/internal/require"
)

// TestPriority checks that all threads of a delay have the same priority; see
// prioritize.
func TestPriority(t *testing.T) {
	p := newPlace(t)
	d := p.delay(t, Userspace, time.Millisecond)
	p.rtt(t, 50) // the runtime makes threads when it needs them
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	policies := make(map[uint32]int)
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		attr, err := unix.SchedGetAttr(id, 0)
		if err == unix.ESRCH {
			continue // it has ended
		}
		if err != nil {
			t.Fatal(err)
		}
		policies[attr.Policy]++
	}
	if policies[unix.SCHED_FIFO] == 0 {
		require.Missing(t, "root", "the system lets no thread run before others")
	}
	if len(entries) < 2 || len(policies) != 1 {
		t.Errorf("%d threads have different policies: %v", len(entries), policies)
	}
	checkStats(t, p.remove(t, d), 50)
}
