package netem

import (
	"slices"
	"testing"
	"time"
)

// TestSideBySide holds user space against the kernel, on the same pair of
// namespaces.
func TestSideBySide(t *testing.T) {
	supported(t, Kernel)
	p := newPlace(t)
	base := figure(p.ping(t, 50))
	t.Logf("undelayed: %v", base)
	for _, latency := range latencies {
		t.Run(latency.String(), func(t *testing.T) {
			var typical, p99 [2]time.Duration
			for i, kind := range []Kind{Kernel, Userspace} {
				d := p.delay(t, kind, latency)
				pings := p.ping(t, 100)
				slices.Sort(pings)
				typical[i], p99[i] = figure(pings), pings[98]
				checkStats(t, p.remove(t, d), len(pings))
			}
			t.Logf("kernel: %v, p99 %v; user space: %v, %v", typical[0], p99[0], typical[1], p99[1])
			same := func() (time.Duration, error) { return typical[1], nil }
			if check(typical[0], 0, same) != nil {
				t.Errorf("by ping the delay of user space is %v, that of the kernel %v", typical[1], typical[0])
			}
		})
	}
}
