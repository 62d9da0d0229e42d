package matrix

import (
	"path"
	"slices"
	"testing"
	"time"
)

func TestCellNames(t *testing.T) {
	for _, tt := range []struct {
		cell      Cell
		name, dir string
	}{
		{Cell{Broker: "embedded", Conns: 8}, "broker=embedded/latency=0ms/conns=8", "embedded/0ms/8c"},
		{Cell{Broker: "comet-3.1.0", Latency: 100 * time.Millisecond, Conns: 64},
			"broker=comet-3.1.0/latency=100ms/conns=64", "comet-3.1.0/100ms/64c"},
		{Cell{Broker: "comet@src-12ab", Latency: 500 * time.Microsecond, Conns: 512},
			"broker=comet@src-12ab/latency=0.5ms/conns=512", "comet@src-12ab/0.5ms/512c"},
		{Cell{Broker: "embedded", Conns: 1024, Pace: Pace{Rate: 250}},
			"broker=embedded/latency=0ms/conns=1024/rate=250", "embedded/0ms/1024c-250r"},
		{Cell{Broker: "embedded", Conns: 8, Pace: Pace{Rate: 3.3333, Poisson: true}},
			"broker=embedded/latency=0ms/conns=8/rate=3.3333/arrivals=poisson", "embedded/0ms/8c-3.3333r-poisson"},
	} {
		if got := tt.cell.String(); got != tt.name {
			t.Errorf("String() = %q, want %q", got, tt.name)
		}
		if got := tt.cell.Dir(); got != tt.dir {
			t.Errorf("Dir() = %q, want %q", got, tt.dir)
		}
		again := Cell{Broker: tt.cell.Broker, Latency: tt.cell.Latency}
		if err := again.ParseDir(path.Base(tt.dir)); err != nil || again != tt.cell {
			t.Errorf("ParseDir(%q) = %+v, %v, want %+v", path.Base(tt.dir), again, err, tt.cell)
		}
		for _, name := range []string{tt.name, tt.cell.Benchmark() + "/" + tt.name + "-2"} {
			got, err := ParseName(name)
			if err != nil || got != tt.cell {
				t.Errorf("ParseName(%q) = %+v, %v, want %+v", name, got, err, tt.cell)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"", "ms", "100", "-1ms", "NaNms", "Infms", "1e3ms", "1e99ms", "0x1ms"} {
		if d, err := ParseLatency(s); err == nil {
			t.Errorf("ParseLatency(%q) = %v, want an error", s, d)
		}
	}
	for _, s := range []string{
		"", "c", "64", "0c", "-1c", "064c", "1.5c", "8c-", "8c-r", "8c-0r", "8c-050r", "8c-5.0r", "8c5r",
		"8c-5r-random",
		"8c-1e3r", "8c-0.00001r", "8c-999999r", "8c-NaNr",
	} {
		if err := new(Cell).ParseDir(s); err == nil {
			t.Errorf("ParseDir(%q): want an error", s)
		}
	}
	for _, s := range []string{"", "0", "-1", "50,", "50,50", "250,lsst", "1e3", "1.23456", "1000000", "NaN", "fast"} {
		if l, err := ParseRates(s); err == nil {
			t.Errorf("ParseRates(%q) = %v, want an error", s, l)
		}
	}
	for _, s := range []string{"", "0,", "1h", "-1ms", "10", "1ms,0.001s", "1ns"} {
		if l, err := ParseLatencies(s); err == nil {
			t.Errorf("ParseLatencies(%q) = %v, want an error", s, l)
		}
	}
	for _, s := range []string{"", "0", "8,8", "x", "99999"} {
		if l, err := ParseConnsList(s); err == nil {
			t.Errorf("ParseConnsList(%q) = %v, want an error", s, l)
		}
	}
	for _, s := range []string{
		"", "broker=x", "broker=x/latency=1ms/conns=1/rate=0", "broker=x/latency=1ms/conns=1/rate=1.2.3",
		"broker=x/latency=1ms/conns=1/rate=5/arrivals=late", "broker=x/latency=1ms/conns=0",
		"broker=x/latency=1s/conns=1",
	} {
		if c, err := ParseName(s); err == nil {
			t.Errorf("ParseName(%q) = %v, want an error", s, c)
		}
	}
}

func TestExpected(t *testing.T) {
	// The paper's slowest cell: 10,000 events one by one over 2 × 500 ms.
	c := Cell{Latency: 500 * time.Millisecond, Conns: 1, Events: 10_000}
	if got, want := c.Expected(), 10_000*time.Second; got != want {
		t.Errorf("Expected() = %v, want %v", got, want)
	}
	// The paper measured 4.90 events/s at 100 ms on 1 connection, t about 4 ms.
	c = Cell{Latency: 100 * time.Millisecond, Conns: 1}
	if got := c.TheoreticalRate(100*time.Millisecond, 4*time.Millisecond); got < 4.89 || got > 4.91 {
		t.Errorf("TheoreticalRate = %v, want 4.90", got)
	}
}

func TestRates(t *testing.T) {
	got, err := ParseRates("0.5, lsst,paper,1000")
	if want := []float64{0.5, 250, 3.3333, 1000}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	m := Matrix{Brokers: []string{"b"}, Latencies: []time.Duration{0}, Conns: []int{OpenConns}}
	for _, rate := range got {
		m.Paces = append(m.Paces, Pace{Rate: rate})
	}
	for i, want := range []int{15, 7500, 100, 30_000} {
		if c := m.Cells()[i]; c.Events != want || c.Expected().Round(time.Second) != OpenTime {
			t.Errorf("%s: %d events in %v, want %d", c, c.Events, c.Expected(), want)
		}
	}
}

func TestPaper(t *testing.T) {
	m := Paper()
	m.Brokers = []string{"comet-1.1.0"}
	cells := m.Cells()
	if len(cells) != 60 {
		t.Fatalf("%d cells, want 60", len(cells))
	}
	var total time.Duration
	for _, c := range cells {
		total += c.Expected()
	}
	if h := total.Hours(); h < 15 || h > 17 {
		t.Errorf("a count takes %.1f h, want about 16", h)
	}
}

// FuzzNames: what names a cell is written again as it was read.
func FuzzNames(f *testing.F) {
	f.Add("broker=embedded/latency=0ms/conns=1024/rate=250/arrivals=poisson/subscribers=16", "8c-3.3333r-poisson")
	f.Add("broker=comet-3.1.0/latency=0.5ms/conns=64-2", "64c")
	f.Fuzz(func(t *testing.T, name, dir string) {
		if c, err := ParseName(name); err == nil {
			if again, err := ParseName(c.String()); err != nil || again != c {
				t.Errorf("%q: got %+v, and of %s %+v, %v", name, c, c, again, err)
			}
		}
		var c Cell
		if err := c.ParseDir(dir); err == nil && path.Base(c.Dir()) != dir {
			t.Errorf("%q: got %+v, whose folder is %s", dir, c, c.Dir())
		}
	})
}
