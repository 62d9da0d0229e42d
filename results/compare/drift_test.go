package compare

import (
	"math"
	"testing"
)

func TestFindDrift(t *testing.T) {
	// 11 runs that fall, but for 11 pairs: S = 11 - 44 = -33, of which the exact
	// p is 0.0099, and that of the normal approximation 0.0127.
	falling := []float64{111, 106, 110, 107, 109, 105, 108, 101, 104, 102, 103}
	inversions := 0
	for i := range falling {
		for _, later := range falling[i+1:] {
			if later > falling[i] {
				inversions++
			}
		}
	}
	if inversions != 11 {
		t.Fatalf("%d pairs rise, want 11", inversions)
	}
	shifted := []float64{100, 101, 102, 103, 104, 120, 121, 122, 123, 124}
	for _, tt := range []struct {
		name   string
		rates  []float64
		found  bool
		trendP float64 // to four digits; 0: not looked at
	}{
		{"a trend at the threshold", falling, true, 0.0099},
		{"halves apart", shifted, true, 0},
		{"too few", shifted[3:8], false, 1},
		{"significant, but small", []float64{1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008}, false, 0},
		{"noise", []float64{100, 120, 90, 110, 130, 95, 125, 105}, false, 0},
	} {
		d := findDrift(tt.rates)
		if d.Found != tt.found || tt.trendP != 0 && math.Abs(d.TrendP-tt.trendP) > 5e-5 {
			t.Errorf("%s: got %+v, want found %v, p of the trend %v", tt.name, d, tt.found, tt.trendP)
		}
	}
}
