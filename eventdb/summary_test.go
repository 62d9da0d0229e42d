package eventdb

import (
	"path/filepath"
	"testing"
	"time"
)

// TestSummarySeconds takes the time between entries, near and far.
func TestSummarySeconds(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   float64
	}{
		{nil, 0},
		{[]string{"1395443440.41"}, 0},
		{[]string{"1395443441.25", "1395443440.5"}, 0.75},
		{[]string{"1795443440.0018096", "1795443443.0018098", "1795443440.5"}, (3*time.Second + 200).Seconds()},
		{[]string{"0", "253402300799"}, 253402300799},
	} {
		path := filepath.Join(t.TempDir(), "db")
		w, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range c.values {
			if _, err := w.Put([]byte{byte(i)}, []byte(v)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		db, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		s, err := db.Summary(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		span := s.Span()
		if got := float64(span.Unix()) + float64(span.Nanosecond())/1e9; got != c.want {
			t.Errorf("%q: %v seconds, want %v", c.values, got, c.want)
		}
	}
}
