package experiment

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"cometbench/matrix"
)

func TestRate(t *testing.T) {
	for _, tt := range []struct {
		args   string
		paces  []matrix.Pace
		conns  []int
		events []int
	}{
		{"-rate=50,lsst", []matrix.Pace{{Rate: 50}, {Rate: 250}}, []int{matrix.OpenConns}, []int{1500, 7500}},
		{"-rate=paper -arrivals=poisson -conns=2,3", []matrix.Pace{{Rate: 3.3333, Poisson: true}}, []int{2, 3},
			[]int{100, 100}},
		{"-rate=50,100 -events=70 -test.bench=Latency", []matrix.Pace{{Rate: 50}, {Rate: 100}},
			[]int{matrix.OpenConns}, []int{70, 70}},
	} {
		o, _, err := options(t, append(strings.Fields(tt.args), "-broker=embedded", "-latency=0")...)
		if err != nil || !reflect.DeepEqual(o.Matrix.Paces, tt.paces) || !slices.Equal(o.Matrix.Conns, tt.conns) {
			t.Errorf("%s: got %+v, %v", tt.args, o.Matrix, err)
			continue
		}
		o.Matrix.Brokers = []string{"embedded"}
		var events []int
		for _, cell := range o.chosen(o.Matrix.Cells()) {
			events = append(events, cell.Events)
		}
		if !slices.Equal(events, tt.events) {
			t.Errorf("%s: runs of %d events, want %d", tt.args, events, tt.events)
		}
	}
}

func TestRateRefused(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-rate=", "-rate: want events per second"},
		{"-rate=fast", `-rate: "fast": want events per second`},
		{"-rate=50 -arrivals=random", `-arrivals: "random": want even or poisson`},
		{"-arrivals=poisson", "-arrivals: it is how events become due at a -rate"},
		{"-rate=50 -matrix=paper", `-rate: the matrix "paper"`},
		{"-rate=50 -test.bench=.", "-rate: BenchmarkThroughput, which -bench=. selects"},
		{"-test.bench=Latency", "-bench=Latency: want a rate"},
		{"-test.bench=^BenchmarkLatency$/embedded", "want a rate"},
	} {
		if o, _, err := options(t, strings.Fields(tt.args)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %+v, %v, want %q", tt.args, o, err, tt.want)
		}
	}
}

// TestRatesLeftOut: -bench chooses among rates as among other parts of a name.
func TestRatesLeftOut(t *testing.T) {
	o, _, err := options(t, "-rate=50,250", "-latency=0", "-test.bench=Latency/.*/.*/.*/rate=250")
	if err != nil {
		t.Fatal(err)
	}
	o.Matrix.Brokers = []string{"embedded"}
	if cells := o.chosen(o.Matrix.Cells()); len(cells) != 1 || cells[0].Rate != 250 {
		t.Errorf("got %v, want one at 250 events/s", cells)
	}
}
