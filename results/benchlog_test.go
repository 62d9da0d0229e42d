package results

import (
	"slices"
	"strings"
	"testing"
)

// What package testing prints of two runs that warn and one that is void, with
// and without -v (as -json has it).
const (
	plainLog = `goos: linux
BenchmarkThroughput/broker=a/latency=0ms/conns=1-2         	       1	    134930 ns/op	RATES
--- BENCH: BenchmarkThroughput/broker=a/latency=0ms/conns=1-2
    a_test.go:8: warning: the machine was too busy
    a_test.go:8: warning: two
BenchmarkThroughput/broker=a/latency=0ms/conns=1-2         	       1	     19414 ns/op	RATES
BenchmarkThroughput/broker=a/latency=0ms/conns=1-2         	--- FAIL: BenchmarkThroughput/broker=a/latency=0ms/conns=1
    a_test.go:7: void: the broker died
        last words
--- FAIL: BenchmarkThroughput/broker=a/latency=0ms/conns=1-2
    a_test.go:7: void: the broker died
        last words
BenchmarkThroughput/broker=b/latency=0ms/conns=1-2         	       1	     17702 ns/op	RATES
--- BENCH: BenchmarkThroughput/broker=b/latency=0ms/conns=1-2
    a_test.go:8: just a message
PASS
`
	verboseLog = `=== RUN   BenchmarkThroughput
BenchmarkThroughput
=== RUN   BenchmarkThroughput/broker=a/latency=0ms/conns=1
BenchmarkThroughput/broker=a/latency=0ms/conns=1
    a_test.go:8: warning: the machine was too busy
    a_test.go:8: warning: two
BenchmarkThroughput/broker=a/latency=0ms/conns=1-2         	       1	    134930 ns/op	RATES
BenchmarkThroughput/broker=a/latency=0ms/conns=1-2         	       1	     19414 ns/op	RATES
    a_test.go:7: void: the broker died
        last words
--- FAIL: BenchmarkThroughput/broker=a/latency=0ms/conns=1
--- FAIL: BenchmarkThroughput/broker=a/latency=0ms/conns=1-2
=== RUN   BenchmarkThroughput/broker=b/latency=0ms/conns=1
BenchmarkThroughput/broker=b/latency=0ms/conns=1
    a_test.go:8: just a message
BenchmarkThroughput/broker=b/latency=0ms/conns=1-2         	       1	     17702 ns/op	RATES
PASS
`
)

func TestReadLog(t *testing.T) {
	const rates = "500 author-events/s\t 500 broker-events/s\t 0 missing-events\t 500 subscriber-events/s"
	for name, text := range map[string]string{"plain": plainLog, "verbose": verboseLog} {
		set, err := Read(strings.NewReader(strings.ReplaceAll(text, "RATES", rates)), "out", Options{})
		if err != nil || len(set.Cells) != 2 || len(set.Cells[0].Runs) != 2 || len(set.Cells[1].Runs) != 1 {
			t.Errorf("%s: got %+v, %v, want two runs of a and one of b", name, set, err)
			continue
		}
		for i, want := range [][]string{{"the machine was too busy", "two"}, nil} {
			if got := set.Cells[0].Runs[i].Warnings; !slices.Equal(got, want) {
				t.Errorf("%s: run %d of a warns of %q, want %q", name, i+1, got, want)
			}
		}
		if got := set.Cells[1].Runs[0].Warnings; len(got) > 0 {
			t.Errorf("%s: b warns of %q, want nothing", name, got)
		}
		if len(set.Void) != 1 || set.Void[0].Cell != set.Cells[0].Cell || set.Void[0].Why != "the broker died\nlast words" {
			t.Errorf("%s: got %+v, want one void run of a", name, set.Void)
		}
	}
	_, failure, _ := strings.Cut(plainLog, "19414 ns/op	RATES\n")
	failure, _, _ = strings.Cut(failure, "BenchmarkThroughput/broker=b")
	_, err := Read(strings.NewReader(failure), "out", Options{})
	if err == nil || !strings.Contains(err.Error(), "the run is void: the broker died\nlast words") ||
		strings.Contains(err.Error(), "torn") {
		t.Errorf("of a void run alone: got %v, want its reason", err)
	}
}
