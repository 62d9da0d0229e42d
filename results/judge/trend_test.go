package judge

import (
	"math"
	"testing"
)

func TestMannKendall(t *testing.T) {
	// p of the exact test: 2/n! of the orders are as extreme as a sorted one.
	for _, tt := range []struct {
		values []float64
		s      int
		p      float64
	}{
		{[]float64{1, 2, 3, 4, 5}, 10, 2.0 / 120},
		{[]float64{5, 4, 3, 2, 1}, -10, 2.0 / 120},
		{[]float64{1, 2, 3, 5, 4}, 8, 10.0 / 120}, // 1 + 4 orders with at most one inversion
		{[]float64{2, 1}, -1, 1},
		{[]float64{3}, 0, 1},
		{nil, 0, 1},
		{[]float64{1, 1, 1}, 0, 1},
	} {
		s, p := mannKendall(tt.values)
		if s != tt.s || math.Abs(p-tt.p) > 1e-12 {
			t.Errorf("mannKendall(%v) = %d, %v, want %d, %v", tt.values, s, p, tt.s, tt.p)
		}
	}
}

func TestTheilSen(t *testing.T) {
	if got := theilSen([]float64{1, 3, 5, 100, 9}); got != 2 {
		t.Errorf("slope %v, want 2", got)
	}
	if got := theilSen([]float64{7}); got != 0 {
		t.Errorf("slope of one value %v, want 0", got)
	}
	many := make([]float64, 6000)
	for i := range many {
		many[i] = 3 * float64(i)
	}
	if got := theilSen(many); got != 3 {
		t.Errorf("slope of many values %v, want 3", got)
	}
}
