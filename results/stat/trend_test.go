package stat

import (
	"math"
	"testing"
)

func TestMannKendall(t *testing.T) {
	// By hand: 2/n! of the orders are as extreme as a sorted one. With ties: of
	// 1 2 2 3, five pairs rise; the variance is (4·3·13 - 2·1·9)/18 = 23/3.
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
		{[]float64{1, 2, 2, 3}, 5, math.Erfc(4 / math.Sqrt(2*23.0/3))},
	} {
		s, p := MannKendall(tt.values)
		if s != tt.s || math.Abs(p-tt.p) > 1e-12 {
			t.Errorf("MannKendall(%v) = %d, %v, want %d, %v", tt.values, s, p, tt.s, tt.p)
		}
	}
}

// TestMannKendallByEnumeration counts all 11! orders of the 11 runs that a
// comparison makes of its anchor: p is the share of orders that are as extreme.
// The normal approximation is on the other side of the threshold of 0.01.
func TestMannKendallByEnumeration(t *testing.T) {
	const n, pairs = 11, 55
	var orders [2*pairs + 1]int // by s + pairs
	total := 0
	eachOrder(n, func(s int) { orders[s+pairs]++; total++ })
	if total != 39916800 {
		t.Fatalf("got %d orders, want 11! = 39916800", total)
	}
	for s := 1; s <= pairs; s += 2 {
		extreme := 0
		for i := s; i <= pairs; i++ {
			extreme += orders[pairs+i] + orders[pairs-i]
		}
		want := float64(extreme) / float64(total)
		if got := kendallP(n, s); math.Abs(got-want) > 1e-12 {
			t.Errorf("s = %d: p = %v, want %d of %d orders, %v", s, got, extreme, total, want)
		}
	}
	if p := kendallP(n, 33); math.Abs(p-0.0099) > 5e-5 {
		t.Errorf("s = 33: p = %.4f, want 0.0099", p)
	}
	if p := kendallNormalP(n, 33, 0); math.Abs(p-0.0127) > 5e-5 {
		t.Errorf("s = 33: the normal approximation is %.4f, want 0.0127", p)
	}
}

// eachOrder calls visit with the s of every order of n values. Each order is the
// one before with two neighbours exchanged, which changes s by two (plain
// changes: Knuth, The Art of Computer Programming 7.2.1.2, algorithm P).
func eachOrder(n int, visit func(s int)) {
	order, steps, direction := make([]int, n+1), make([]int, n+1), make([]int, n+1)
	for i := range order {
		order[i], direction[i] = i, 1
	}
	s := n * (n - 1) / 2
	visit(s)
	for {
		shift, j := 0, n // the greatest value that can still go its way moves
		next := steps[j] + direction[j]
		for next < 0 || next == j {
			if next == j {
				if j == 1 {
					return
				}
				shift++
			}
			direction[j] = -direction[j]
			j--
			next = steps[j] + direction[j]
		}
		a, b := j-steps[j]+shift, j-next+shift
		if order[min(a, b)] < order[max(a, b)] {
			s -= 2
		} else {
			s += 2
		}
		order[a], order[b] = order[b], order[a]
		steps[j] = next
		visit(s)
	}
}

func TestTheilSen(t *testing.T) {
	if got := TheilSen([]float64{1, 3, 5, 100, 9}); got != 2 {
		t.Errorf("slope %v, want 2", got)
	}
	if got := TheilSen([]float64{7}); got != 0 {
		t.Errorf("slope of one value %v, want 0", got)
	}
	many := make([]float64, 6000)
	for i := range many {
		many[i] = 3 * float64(i)
	}
	if got := TheilSen(many); got != 3 {
		t.Errorf("slope of many values %v, want 3", got)
	}
}
