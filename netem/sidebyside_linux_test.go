package netem

import (
	"slices"
	"testing"
	"time"
)

// TestSideBySide compares user space with the kernel, on the same pair of
// namespaces.
func TestSideBySide(t *testing.T) {
	supported(t, Kernel)
	p := newPlace(t)
	base := roundTrip(t, p.pings(t, 50))
	t.Logf("undelayed: %v", base)
	for _, latency := range latencies {
		t.Run(latency.String(), func(t *testing.T) {
			var typical, p99 [2]time.Duration
			for i, kind := range []Kind{Kernel, Userspace} {
				d := p.delay(t, kind, latency)
				typical[i] = roundTrip(t, func() time.Duration {
					pings := p.ping(t, 100)
					slices.Sort(pings)
					p99[i] = pings[98]
					return figure(pings)
				})
				judge(t, string(kind), base, latency, typical[i])
				checkStats(t, p.remove(t, d), 100)
			}
			t.Logf("kernel: %v, p99 %v; user space: %v, %v", typical[0], p99[0], typical[1], p99[1])
			judge(t, "user space where the kernel is the base", typical[0], 0, typical[1])
		})
	}
}
