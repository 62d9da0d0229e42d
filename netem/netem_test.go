package netem

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseKind(t *testing.T) {
	for in, want := range map[string]Kind{"": Auto, "auto": Auto, "kernel": Kernel, "userspace": Userspace} {
		if got, err := ParseKind(in); got != want || err != nil {
			t.Errorf("ParseKind(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	if _, err := ParseKind("Kernel"); err == nil || !strings.Contains(err.Error(), "auto, kernel or userspace") {
		t.Errorf("got %v, want an error that names the kinds", err)
	}
}

func TestUnsupported(t *testing.T) {
	for want, err := range map[string]error{
		"the frob is missing":                                 &unsupported{Missing: "the frob"},
		"the frob is missing: make one":                       &unsupported{Missing: "the frob", Remedy: "make one"},
		"the frob is missing (file does not exist): make one": &unsupported{"the frob", "file does not exist", "make one"},
	} {
		if got := err.Error(); got != want || !errors.Is(err, ErrUnsupported) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %q, want %q; is it unsupported? %v", got, want, errors.Is(err, ErrUnsupported))
		}
	}
}

func TestCheckRTT(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		base, rtt, oneWay time.Duration
		ok                bool
	}{
		{0, 10 * ms, 10 * ms, true},
		{ms, 11*ms + 300*time.Microsecond, 10 * ms, true},
		{ms, 11*ms + 301*time.Microsecond, 10 * ms, false},
		{ms, 11*ms - 300*time.Microsecond, 10 * ms, true},
		{ms, 11*ms - 301*time.Microsecond, 10 * ms, false},
		{ms / 20, 10*ms - 1, 10 * ms, false}, // a packet left early
		{ms, ms, ms / 5, false},              // not delayed at all
		{ms, ms + ms/5, ms / 5, true},
		{ms, ms + ms/10, 0, true},
		{ms, ms - ms/10, 0, true},
		{0, 102 * ms, 100 * ms, true},
		{0, 103 * ms, 100 * ms, false},
		{0, 97 * ms, 100 * ms, false},
		{0, 200 * ms, 100 * ms, false}, // delayed on both sides
		{0, 50 * ms, 100 * ms, false},
		{0, 0, ms, false},
	} {
		if err := CheckRTT(test.base, test.rtt, test.oneWay); (err == nil) != test.ok {
			t.Errorf("CheckRTT(%v, %v, %v) = %v", test.base, test.rtt, test.oneWay, err)
		}
	}
}

func TestRTT(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	samples, err := RTT(t.Context(), addr, 5)
	if err != nil || len(samples) != 5 || slices.Min(samples) <= 0 {
		t.Errorf("RTT = %v, %v", samples, err)
	}
	_ = listener.Close()
	for _, test := range []struct {
		addr  string
		count int
		want  string
	}{{addr, 3, "handshake 1 of 3"}, {addr, 0, "1 or more"}, {"nowhere", 1, "missing port"}} {
		if _, err := RTT(t.Context(), test.addr, test.count); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("RTT(%q, %d): got %v, want %q", test.addr, test.count, err, test.want)
		}
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	if h.n() != 0 || h.Mean() != 0 || h.Quantile(0.5) != 0 {
		t.Errorf("the zero value isn't empty: %+v", h)
	}
	for _, d := range []time.Duration{-5, 0, 999, 1000, 1999, 2000, 100_000, 3_000_000} {
		h.add(d)
	}
	want := []uint64{3, 2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}
	if !slices.Equal(h.Counts, want) {
		t.Errorf("counts %v, want %v", h.Counts, want)
	}
	if h.n() != 8 || h.Sum != 3_105_998 || h.Mean() != 388_249 || h.Max != 3*time.Millisecond {
		t.Errorf("%d of %v, mean %v, max %v", h.n(), h.Sum, h.Mean(), h.Max)
	}
	for q, want := range map[float64]time.Duration{
		0: time.Microsecond, 0.375: time.Microsecond, 0.5: 2 * time.Microsecond, 0.75: 4 * time.Microsecond,
		0.875: 128 * time.Microsecond, 1: 3 * time.Millisecond,
	} {
		if got := h.Quantile(q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	h.add(1 << 62)
	if len(h.Counts) != buckets {
		t.Errorf("%d buckets, want %d", len(h.Counts), buckets)
	}
}

func TestParseCounters(t *testing.T) {
	snmp, err := os.ReadFile("testdata/snmp.txt")
	if err != nil {
		t.Fatal(err)
	}
	netstat, err := os.ReadFile("testdata/netstat.txt")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseCounters(string(snmp), string(netstat))
	want := Counters{RetransSegs: 12, Duplicates: 2, SynRetrans: 5, ListenOverflows: 3, ListenDrops: 4}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got := got.Sub(Counters{1, 1, 1, 1, 1}); got != (Counters{11, 1, 4, 2, 3}) {
		t.Errorf("less 1 each: %+v", got)
	}
	if got, err := ParseCounters(); got != (Counters{}) || err != nil {
		t.Errorf("of nothing: %+v, %v", got, err)
	}
	for text, want := range map[string]string{
		"Tcp: A B":                       "no values follow",
		"Tcp: A B\nTcp: 1":               "the 2 names",
		"Tcp: A\nUdp: 1":                 "line 2",
		"Tcp: RetransSegs\nTcp: many":    "Tcp RetransSegs",
		"\nTcp: RetransSegs\n\nTcp: 1\n": "line 3",
	} {
		if _, err := ParseCounters(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseCounters(%q): got %v, want %q", text, err, want)
		}
	}
}

func FuzzParseCounters(f *testing.F) {
	for _, name := range []string{"testdata/snmp.txt", "testdata/netstat.txt"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCounters(text)
		if err != nil && c != (Counters{}) {
			t.Errorf("%+v beside the error %v", c, err)
		}
	})
}
