package cpuidle

import (
	"encoding/binary"
	"os"
	"testing"

	"cometbench/internal/require"
)

// wakeupLimit returns how long waking up a processor may take, in
// microseconds: the least of what all processes ask for.
func wakeupLimit(t *testing.T) uint32 {
	t.Helper()
	f, err := os.Open("/dev/cpu_dma_latency")
	if err != nil {
		require.Missing(t, "cpuidle", err.Error())
	}
	defer f.Close()
	b := make([]byte, 4)
	if _, err := f.Read(b); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint32(b)
}

func TestPrevent(t *testing.T) {
	before := wakeupLimit(t)
	request := Prevent()
	if request == nil {
		require.Missing(t, "cpuidle", "the processors of this kernel never sleep, or this user may not ask")
	}
	if got := wakeupLimit(t); got != 0 {
		t.Errorf("with the request waking up may take %d µs, want 0", got)
	}
	if err := request.Close(); err != nil {
		t.Fatal(err)
	}
	if got := wakeupLimit(t); got != before {
		t.Errorf("after the request waking up may take %d µs, want %d as before it", got, before)
	}
}
