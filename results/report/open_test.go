package report

import (
	"bytes"
	"strings"
	"testing"

	"cometbench/results"
)

// TestOpen: open loops have a table of their own, also where there is nothing else.
func TestOpen(t *testing.T) {
	const name = "BenchmarkLatency/broker=embedded/latency=0ms/conns=1024/rate=250-2"
	const rates = " author-events/s\t 250 broker-events/s\t 250 subscriber-events/s\t 0 missing-events\n"
	text := "events: 7500\n" +
		name + "\t 1\t 30 ns/op\t 249.9 achieved-events/s\t 0.0123 delivery-p99-sec\t 3 backlog-events\t 250" + rates +
		"--- BENCH: " + name + "\n    a_test.go:8: warning: the broker doesn't keep up\n" +
		name + "\t 1\t 30 ns/op\t 249.7 achieved-events/s\t 0.0125 delivery-p99-sec\t 5 backlog-events\t 250" + rates
	set, err := results.Read(strings.NewReader(text), "open.txt", results.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(set.Cells) != 0 || len(set.Open) != 1 || len(set.Open[0].Runs) != 2 {
		t.Fatalf("got the cells %+v and %+v, want one of an open loop", set.Cells, set.Open)
	}
	r, err := New(set, false)
	if err != nil {
		t.Fatal(err)
	}
	var html bytes.Buffer
	if err := r.Write(&html); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<h2 id="open">`,
		`class="doubtful"><th role="rowheader" scope="row">embedded, latency=0ms, conns=1024, rate=250</th>`,
		`data-name="Achieved">249.8<`, `data-name="Delivery p99">12.4 ms<`, `data-name="Backlog">4<`,
		`<li>open.txt:2: the broker doesn&#39;t keep up</li>`,
	} {
		if !strings.Contains(html.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, html.String()[strings.Index(html.String(), "<main"):])
		}
	}
	if strings.Contains(html.String(), "<svg") || strings.Contains(html.String(), "of theory") {
		t.Error("it has figures, or speaks of theory, where there are no closed loops")
	}
}
