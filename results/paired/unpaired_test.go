package paired

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestLevel(t *testing.T) {
	var r Round
	for range minPairs {
		r.Pairs = append(r.Pairs, Pair{Old: Batch{Time: time.Second}, New: Batch{Time: 2 * time.Second}})
	}
	old, ok1 := r.Level(Time, false, 250)
	new, ok2 := r.Level(Time, true, 250)
	if !ok1 || !ok2 || math.Abs(old-math.Log(0.004)) > 1e-12 || math.Abs(new-old-math.Log(2)) > 1e-12 {
		t.Errorf("got %v and %v, want the logarithms of 0.004 and 0.008", old, new)
	}
	if _, ok := r.Level(Work, true, 250); ok {
		t.Error("got a level of work that wasn't measured")
	}
}

// TestWelch holds the interval against one worked out by hand: the variances 3.7 and
// 2.5 of five values each give a standard error of 1.1136 and 7.7 degrees of freedom.
func TestWelch(t *testing.T) {
	old := Levels{0.01, 0.03, 0.02, 0.05, 0.04}
	var values []float64
	for _, v := range []float64{0.01, 0.02, 0.03, 0.04, 0.06} {
		values = append(values, v-mean(old))
	}
	got := welch(old, values, 0.025, 0.025)
	// t(7, 0.975) = 2.3646; the degrees are rounded down.
	lo, hi := math.Expm1(0.002-2.3646*0.011136), math.Expm1(0.002+2.3646*0.011136)
	if math.Abs(got.Lo-lo) > 1e-5 || math.Abs(got.Hi-hi) > 1e-5 {
		t.Errorf("got %+v, want %v to %v", got, lo, hi)
	}
}

// TestUnpairedAlarms: of equals on a machine that doesn't change, no more than 1 in
// 20 end as slower; 10 % more work is found.
func TestUnpairedAlarms(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	rules := Rules{Effect: 0.05, BoundEffect: 0.02, Alpha: 0.05}
	for _, tt := range []struct {
		more  float64
		want  Finding
		least float64
	}{{0, Clear, 0.8}, {0.1, Slower, 0.95}} {
		ends := make(map[Finding]int)
		for range 1000 {
			made := func(more float64) (l Levels) {
				for range 6 {
					l = append(l, math.Log1p(more)+0.02*rng.NormFloat64())
				}
				return l
			}
			levels := map[Witness][2]Levels{Time: {made(0), made(tt.more)}, Work: {made(0), made(tt.more)}}
			rows := rules.JudgeUnpaired([]Cell{{Name: "cell"}}, func(_ string, w Witness) (old, new Levels) {
				return levels[w][0], levels[w][1]
			})
			ends[rows.Conclude()]++
		}
		t.Logf("%.0f %% more: %v", 100*tt.more, ends)
		if share := float64(ends[tt.want]) / 1000; share < tt.least || tt.more == 0 && ends[Slower] > 50 {
			t.Errorf("%.0f %% more: %v, want %.2f %s", 100*tt.more, ends, tt.least, tt.want)
		}
	}
}
