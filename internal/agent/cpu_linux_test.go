package agent

import (
	"encoding/json"
	"syscall"
	"testing"
	"time"
)

// TestProcessUsage: this process has used CPU time.
func TestProcessUsage(t *testing.T) {
	stdout, stderr, code := try(t, t.Context(), "usage")
	var got Usage
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
		t.Fatalf("exit code %d, %s, %v: %s", code, stdout, err, stderr)
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	now := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	if got.CPU > now || got.CPU < now-100*time.Millisecond {
		t.Errorf("got %v, and getrusage says %v a moment later", got.CPU, now)
	}
}
