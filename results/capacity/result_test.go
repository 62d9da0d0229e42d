package capacity

import (
	"bytes"
	"math"
	"testing"
	"time"

	"cometbench/internal/golden"
)

func TestWrite(t *testing.T) {
	trial := func(rate, growth float64, p99 time.Duration, lost int, v Verdict) *Trial {
		return &Trial{
			Rate: rate, Bound: time.Second, growth: []float64{growth, growth}, P99: p99, Lost: lost,
			Events: int(20 * rate), Verdict: v,
		}
	}
	late := trial(12_000, 0, 0, 0, Fails)
	late.Late = true
	doubtful := trial(11_000, 0, time.Millisecond, 0, Holds)
	doubtful.Warnings = []string{"other benchmarks ran", "the author stood still"}
	for name, r := range map[string]Result{
		"interval": {
			Broker: "comet-3.1.0", Pinned: "broker on processor 0, all else on 1", Bound: time.Second,
			Closed: 956.23, Lo: 931, Hi: 956.2,
			Trials: []*Trial{
				trial(956.2, 0.031, 420*time.Millisecond, 0, Fails),
				trial(853.8, 0.0002, 12345*time.Microsecond, 0, Holds),
				trial(931, 0.004, 80*time.Millisecond, 1333, Unclear),
			},
			Took: 3*time.Minute + 400*time.Millisecond,
		},
		"ended": {
			Broker: "embedded", Latency: 10 * time.Millisecond, Bound: 50 * time.Millisecond,
			Closed: 11_000, Lo: 11_000, Hi: 12_000,
			Trials: []*Trial{doubtful, late},
			Took:   4 * time.Minute, Ended: true, Warnings: []string{"the machine was busy"},
		},
		"above": {Broker: "a", Bound: time.Second, Closed: 5, Lo: 5, Hi: math.Inf(1)},
		"below": {Broker: "a", Bound: time.Second, Closed: 5, Hi: 4},
	} {
		var out bytes.Buffer
		if err := r.Write(&out); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, name+".txt", out.Bytes())
	}
}
