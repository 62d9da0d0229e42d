package stat

import (
	"math"
	"strconv"
	"strings"
)

// FormatRate writes a rate in events per second for people: with two decimals
// below 10, one below 1,000, none from there on.
func FormatRate(v float64) string {
	decimals := 0
	switch {
	case math.IsInf(v, 0):
		return "∞"
	case math.IsNaN(v):
		return "?"
	case v < 10:
		decimals = 2
	case v < 1000:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// FormatPercent writes a fraction for people: "4.8 %", "12 %", and "?" where
// there is no number.
func FormatPercent(f float64) string {
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		return "?"
	case math.Abs(f) < 0.0995:
		return strconv.FormatFloat(100*f, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(100*f, 'f', 0, 64) + " %"
}

// FormatCount writes a number with commas between its thousands.
func FormatCount(v float64) string {
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if v >= 1000 {
		whole, frac, _ := strings.Cut(s, ".")
		for i := len(whole) - 3; i > 0; i -= 3 {
			whole = whole[:i] + "," + whole[i:]
		}
		s = whole
		if frac != "" {
			s += "." + frac
		}
	}
	return s
}

// FormatSeconds writes a time in seconds for people, to three digits: "928 µs",
// "12.5 ms", "1.33 s".
func FormatSeconds(v float64) string {
	unit := " s"
	switch {
	case v < 1e-3:
		v, unit = v*1e6, " µs"
	case v < 1:
		v, unit = v*1e3, " ms"
	}
	if v <= 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return FormatCount(v) + unit
	}
	decimals := max(0, 2-int(math.Floor(math.Log10(v))))
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + unit
}
