package stat

import (
	"math"
	"slices"
	"testing"
	"time"
)

func near(a, b float64) bool { return a == b || math.Abs(a-b) <= 1e-12*math.Max(1, math.Abs(b)) }

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1}, 5}, {[]float64{7, 1, 100}, 7}, {[]float64{8, 2, 4, 6}, 5}} {
		before := slices.Clone(tt.values)
		if got := Median(tt.values); got != tt.want {
			t.Errorf("Median(%v) = %v, want %v", tt.values, got, tt.want)
		}
		if !slices.Equal(tt.values, before) {
			t.Errorf("Median changed %v to %v", before, tt.values)
		}
	}
	if got := Median([]time.Duration{4, 1, 3, 2}); got != 2 {
		t.Errorf("of durations: got %d, want 2 (2.5, without its fraction)", got)
	}
}

// The interval of the median of n values leaves out the k outermost on either
// side, where k is the greatest number with P(at most k-1 of n coins) ≤ 2.5 %.
// By hand: of 6, (1/2)^6 = 1.6 % lets k be 1; of 10, (1+10)/1024 = 1.1 % lets it
// be 2, and (1+10+45)/1024 = 5.5 % not be 3; of 5, (1/2)^5 = 3.1 % leaves none,
// but one end alone is within 5 %.
func TestMedianInterval(t *testing.T) {
	inf := math.Inf(1)
	for _, tt := range []struct {
		values []float64
		want   Interval
	}{
		{[]float64{5, 1, 4, 2, 3}, Interval{3, -inf, 5}},
		{[]float64{6, 1, 5, 2, 4, 3}, Interval{3.5, 1, 6}},
		{[]float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, Interval{5.5, 2, 9}},
	} {
		if got := MedianInterval(tt.values); got != tt.want {
			t.Errorf("MedianInterval(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

// By hand: mean 5, squares 9+1+1+1+0+0+4+16 = 32, s = √(32/7) = 2.1381, and
// t(7, 97.5 %) = 2.3646 from a table: ± 2.3646·2.1381/√8 = 1.7875.
func TestMeanInterval(t *testing.T) {
	got := MeanInterval([]float64{2, 4, 4, 4, 5, 5, 7, 9})
	if got.Value != 5 || math.Abs(got.Hi-6.7875) > 1e-3 || math.Abs(got.Lo-3.2125) > 1e-3 {
		t.Errorf("got %v, want 5 ± 1.7875", got)
	}
}

// By hand: of 3 and 3 values apart, 2 of 20 orders are as extreme. Of {1,2,4} and
// {3,5,6} one pair is the wrong way round, U = 1; orders with U ≤ 1 are two, on
// either side: 4 of 20.
func TestMannWhitney(t *testing.T) {
	for _, tt := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{1, 2, 3}, []float64{4, 5, 6}, 2.0 / 20},
		{[]float64{6, 4, 5}, []float64{3, 1, 2}, 2.0 / 20},
		{[]float64{1, 2, 4}, []float64{3, 5, 6}, 4.0 / 20},
		{nil, []float64{1, 2}, 1},
	} {
		if got := MannWhitney(tt.a, tt.b); !near(got, tt.want) {
			t.Errorf("MannWhitney(%v, %v) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		want string
	}{{0, "0.00"}, {4.897, "4.90"}, {39.12, "39.1"}, {519.23, "519.2"}, {1000, "1000"}, {12345.6, "12346"},
		{math.Inf(1), "∞"}, {math.NaN(), "?"}} {
		if got := FormatRate(tt.v); got != tt.want {
			t.Errorf("FormatRate(%v) = %q, want %q", tt.v, got, tt.want)
		}
	}
	for _, tt := range []struct {
		v    float64
		want string
	}{{0, "0.0 %"}, {0.0479, "4.8 %"}, {0.0994, "9.9 %"}, {0.0995, "10 %"}, {-0.123, "-12 %"}, {4, "400 %"},
		{math.Inf(1), "?"}, {math.NaN(), "?"}} {
		if got := FormatPercent(tt.v); got != tt.want {
			t.Errorf("FormatPercent(%v) = %q, want %q", tt.v, got, tt.want)
		}
	}
}
