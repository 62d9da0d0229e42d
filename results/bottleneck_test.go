package results

import (
	"bytes"
	"strings"
	"testing"

	"cometbench/matrix"
)

func TestKind(t *testing.T) {
	for text, want := range map[Bottleneck]Bottleneck{
		"broker CPU-bound: 0.99 of a processor":                       BrokerBound,
		"bound by latency: it takes 0.95":                             BoundByLatency,
		"bound by latency and the broker: 0.5":                        BoundByBoth,
		"listen queue overflowed 432 times: TCP's retries decide":     QueueOverflowed,
		"author-bound: 0.95 of the processors":                        AuthorBound,
		"machine saturated: the broker got 0.40 of a processor":       MachineSaturated,
		"a kind that a later version of this program may know: words": "",
		"": "",
	} {
		if got := text.Kind(); got != want {
			t.Errorf("%q: got the kind %q, want %q", text, got, want)
		}
		if doubtful := want == AuthorBound || want == MachineSaturated; text.Doubtful() != doubtful {
			t.Errorf("%q: doubtful is %t", text, !doubtful)
		}
	}
}

// TestBottleneckOfCell: a cell has the verdict of more than half of its runs, in
// the words of the one with the median rate.
func TestBottleneckOfCell(t *testing.T) {
	runs := func(texts ...Bottleneck) (list []RunFigures) {
		for i, text := range texts {
			list = append(list, RunFigures{Bottleneck: text, Rates: [3]float64{float64(100 - i)}})
		}
		return list
	}
	for _, tt := range []struct {
		runs []RunFigures
		want Bottleneck
	}{
		{nil, ""},
		{runs("", ""), ""},
		{runs("author-bound: 1", "author-bound: 2", "broker waits: x", "author-bound: 3"), "author-bound: 2"},
		{runs("", "broker waits: x"), "broker waits: x"},
		{runs("author-bound: 1", "broker waits: x"),
			"can't tell: it differs between 2 runs: author-bound in 1, broker waits in 1"},
	} {
		if got := bottleneckOf(tt.runs); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.runs, got, tt.want)
		}
	}
}

// TestBottleneckInJSON: the summary keeps it, and has nothing of it where nobody
// judged, as the paper's has not.
func TestBottleneckInJSON(t *testing.T) {
	const text = "machine saturated: the broker got 0.40 of a processor, and wanted more"
	set := &Set{Cells: []CellRuns{
		{Cell: matrix.Cell{Broker: "b", Conns: 1}, Bottleneck: text}, {Cell: matrix.Cell{Broker: "b", Conns: 2}},
	}}
	var out bytes.Buffer
	if err := set.WriteJSON(&out, true); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "bottleneck"); n != 1 {
		t.Errorf("got %d bottlenecks in %s, want 1", n, &out)
	}
	back, err := Read(&out, "set.json", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Cells[0].Bottleneck; got != text {
		t.Errorf("read %q back, want %q", got, text)
	}
}

// TestBottleneckInLog: what a benchmark logs is read back.
func TestBottleneckInLog(t *testing.T) {
	set, err := Read(strings.NewReader(`events: 10
`+"BenchmarkThroughput/broker=b/latency=0ms/conns=8-2 1 1000000 ns/op 10 author-events/s 9 broker-events/s "+
		`0 missing-events 8 subscriber-events/s
--- BENCH: BenchmarkThroughput/broker=b/latency=0ms/conns=8-2
    throughput_test.go:72: warning: author-bound: 0.95 of the processors that it may use
    throughput_test.go:72: warning: something else
BenchmarkThroughput/broker=b/latency=0ms/conns=16-2 1 1000000 ns/op 10 author-events/s 9 broker-events/s `+
		`0 missing-events 8 subscriber-events/s
--- BENCH: BenchmarkThroughput/broker=b/latency=0ms/conns=16-2
    throughput_test.go:70: bottleneck: broker CPU-bound: 0.97 of a processor
`), "bench.txt", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c := set.Cells[0]; c.Bottleneck.Kind() != AuthorBound || len(c.Runs[0].Warnings) != 2 {
		t.Errorf("got %+v, want one that the author limits, and another warning", c)
	}
	if c := set.Cells[1]; c.Bottleneck.Kind() != BrokerBound || len(c.Runs[0].Warnings) != 0 {
		t.Errorf("got %+v, want one that the broker limits, and no warning", c)
	}
}
