package agent

import (
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"cometbench/internal/require"

	"golang.org/x/sys/unix"
)

// usageOf runs usage.
func usageOf(t *testing.T, pid int, flags ...string) Usage {
	t.Helper()
	stdout, stderr, code := try(t, t.Context(), append([]string{"usage", "-pid", strconv.Itoa(pid)}, flags...)...)
	var u Usage
	if err := json.Unmarshal([]byte(stdout), &u); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v: %s%s", code, err, stdout, stderr)
	}
	return u
}

// TestCPU holds the CPU time of this process against what the kernel bills it
// for, by another way.
func TestCPU(t *testing.T) {
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		require.Missing(t, "schedstat", err.Error())
	}
	billed := func() time.Duration {
		var r unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
			t.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	before, billedBefore := usageOf(t, os.Getpid()), billed()
	for billed()-billedBefore < 200*time.Millisecond {
	}
	got, want := usageOf(t, os.Getpid()).CPU-before.CPU, billed()-billedBefore
	if got < want*9/10 || got > want*11/10 {
		t.Errorf("got %v, want the %v that getrusage tells", got, want)
	}
}

// TestCPUOfDescendants: a process that only waits has used what its child has
// used, and settles when that ends.
func TestCPUOfDescendants(t *testing.T) {
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		require.Missing(t, "schedstat", err.Error())
	}
	cmd := exec.Command("sh", "-c", `sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; exec sleep 60' & wait`)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	child := 0
	for deadline := time.Now().Add(10 * time.Second); child == 0; {
		for id := range usageOf(t, cmd.Process.Pid).Threads {
			if id != cmd.Process.Pid {
				child = id
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the child didn't start")
		}
	}
	defer exec.Command("kill", strconv.Itoa(child)).Run()
	if u := usageOf(t, cmd.Process.Pid, "-settled"); u.CPU < 20*time.Millisecond {
		t.Errorf("got %v, want the time of the child's loop", u.CPU)
	}
}
