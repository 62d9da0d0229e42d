package awake

import (
	"encoding/binary"
	"os"
	"testing"

	"cometbench/internal/need"
)

// wakeLatency is what the kernel allows waking up a processor to take, in
// microseconds, of all requests.
func wakeLatency(t *testing.T) uint32 {
	t.Helper()
	f, err := os.Open("/dev/cpu_dma_latency")
	if err != nil {
		need.Skip(t, "cpuidle", err.Error())
	}
	defer f.Close()
	b := make([]byte, 4)
	if _, err := f.Read(b); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint32(b)
}

func TestHold(t *testing.T) {
	before := wakeLatency(t)
	request := Hold()
	if request == nil {
		need.Skip(t, "cpuidle", "this kernel's processors never sleep, or it isn't for us to ask")
	}
	if got := wakeLatency(t); got != 0 {
		t.Errorf("waking up may take %d µs, want 0", got)
	}
	if err := request.Close(); err != nil {
		t.Fatal(err)
	}
	if got := wakeLatency(t); got != before {
		t.Errorf("after it waking up may take %d µs, before it %d", got, before)
	}
}
