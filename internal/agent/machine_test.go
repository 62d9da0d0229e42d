package agent

import (
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
)

func TestParseMachine(t *testing.T) {
	got, err := parseMachine("cpu  10 20 30 400 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu1 1 2 3 4 5 6 7 8\n" +
		"intr 1 2 3 4 5 6 7 8 9\n")
	want := Machine{Cores: 2, Idle: 4050 * time.Millisecond, Steal: 80 * time.Millisecond,
		Nice: 200 * time.Millisecond}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got, err := parseMachine("cpu 1 2 3 x 5 6 7 8"); err == nil {
		t.Errorf("got %+v of a word for a number, want an error", got)
	}
	if got, err := parseMachine(""); err != nil || got != (Machine{}) {
		t.Errorf("got %+v, %v of nothing", got, err)
	}
	m := Machine{Cores: 2, Elapsed: 10 * time.Second, Idle: 12 * time.Second, Steal: time.Second}
	if got, want := m.Busy(), 7*time.Second; got != want {
		t.Errorf("got busy for %v, want %v", got, want)
	}
}

// TestWatchMachine: while this process uses a processor, the machine is busy for
// at least as long.
func TestWatchMachine(t *testing.T) {
	since, err := watchMachine()
	if err != nil {
		t.Fatal(err)
	}
	const long = 300 * time.Millisecond
	for begun := time.Now(); time.Since(begun) < long; {
	}
	m, err := since()
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	all := time.Duration(m.Cores) * (m.Elapsed + 50*time.Millisecond)
	if m.Cores < 1 || m.Elapsed < long || m.Idle < 0 || m.Idle+m.Steal > all {
		t.Errorf("got %+v", m)
	}
}

// TestLowPriority compares with what nice(1) says.
func TestLowPriority(t *testing.T) {
	nice := require.Command(t, "nice", "nice")
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux: there is no /proc")
	}
	out, err := exec.Command(nice).Output()
	if err != nil {
		t.Fatal(err)
	}
	value, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	if got := lowPriority(); got != (value > 0) {
		t.Errorf("low priority: %t, but the nice value is %d", got, value)
	}
}
