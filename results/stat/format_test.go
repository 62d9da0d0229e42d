package stat

import "testing"

func TestFormatSeconds(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0 µs", 1e-7: "0.1 µs", 12.345e-6: "12.3 µs", 928.4e-6: "928 µs", 1e-3: "1 ms", 0.0125: "12.5 ms",
		0.9996: "1000 ms", 1.3333: "1.33 s", 59.96: "60 s", 3600: "3600 s",
	} {
		if got := FormatSeconds(v); got != want {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
}

func TestFormatCount(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1333: "1,333", 1234567.5: "1,234,567.5"} {
		if got := FormatCount(v); got != want {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
}
