package figure

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cometbench/internal/golden"
	"cometbench/matrix"
	"cometbench/results"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latencyLine is a cell with n events: 1/n of them took twice as long as the least,
// and the slowest n times as long.
func latencyLine(t *testing.T, name string, n int, least time.Duration) PercentileLine {
	t.Helper()
	h := hdrhistogram.New(1000, int64(time.Hour), 3)
	for i := range n {
		if err := h.RecordValue(int64(least) * int64(n) / int64(n-i)); err != nil {
			t.Fatal(err)
		}
	}
	return PercentileLine{name, results.CellLatency{Cell: matrix.Cell{Conns: 8}, Histogram: h, Runs: 1}}
}

func TestPercentiles(t *testing.T) {
	p := Percentiles{What: "to the ack", Lines: []PercentileLine{
		latencyLine(t, "embedded/0ms/8c", 10_000, 100*time.Microsecond),
		latencyLine(t, "comet-2.0.1/10ms/8c", 500, 20*time.Millisecond),
		latencyLine(t, "comet-3.1.0/100ms/512c", 1, 200*time.Millisecond),
	}}
	p.Lines[1].Resolution, p.Lines[2].Missing = 10*time.Millisecond, 1333
	var svg bytes.Buffer
	if err := p.Write(&svg, ".svg"); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "percentiles.svg", svg.Bytes())
	for _, text := range []string{
		"embedded/0ms/8c: median 200 µs, 99 % within 9.9 ms, longest 1 s",
		"1,333 events are missing", "multiples of 10ms", "99.99 %",
	} {
		if !strings.Contains(strings.ReplaceAll(svg.String(), "\n", " "), text) {
			t.Errorf("the figure doesn't say %q", text)
		}
	}
	for format, magic := range map[string]string{".png": "\x89PNG", ".pdf": "%PDF"} {
		var b bytes.Buffer
		if err := p.Write(&b, format); err != nil || !strings.HasPrefix(b.String(), magic) {
			t.Errorf("%s: got %.8q, %v", format, b.String(), err)
		}
	}
}

func TestPercentilesRefused(t *testing.T) {
	var many Percentiles
	for i := range maxPercentileLines + 1 {
		many.Lines = append(many.Lines, latencyLine(t, fmt.Sprint(i), 1, time.Second))
	}
	var b bytes.Buffer
	if err := many.Write(&b, ".svg"); err == nil || !strings.Contains(err.Error(), "25 cells") {
		t.Errorf("too many: got %v", err)
	}
	if err := new(Percentiles).Write(&b, ".svg"); !errors.Is(err, ErrEmpty) {
		t.Errorf("none: got %v", err)
	}
}
