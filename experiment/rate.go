package experiment

import (
	"errors"
	"fmt"

	"cometbench/matrix"
)

// rateFlags are those of an open loop.
type rateFlags struct{ rates, arrivals string }

func (f *Flags) defineRate() {
	f.set.StringVar(&f.rate.rates, "rate", "", "events per second that the author of BenchmarkLatency sends, whatever "+
		"the broker does,\na comma-separated `list` of numbers and of lsst (250) and paper (3.3333)")
	f.set.StringVar(&f.rate.arrivals, "arrivals", arrivalsEven, "with -rate: `how` events become due, even(ly spaced) "+
		"or poisson (as independent\nones, the same in each run)")
}

const (
	arrivalsEven    = "even"
	arrivalsPoisson = "poisson"
)

// pace makes the cells of the options those of open loops, if there is a rate: for
// these, other connections and other numbers of events are the default.
func (f *Flags) pace(o *Options) error {
	bench := o.Bench
	if f.rate.rates == "" {
		switch {
		case f.given("rate"):
			return errors.New("-rate: want events per second, such as -rate=50,250")
		case f.given("arrivals"):
			return errors.New("-arrivals: it is how events become due at a -rate: want one")
		case bench != "" && selects(bench, matrix.LatencyBenchmark) && !selects(bench, matrix.ThroughputBenchmark):
			return fmt.Errorf("-bench=%s: want a rate at which events become due, such as -rate=50,250", bench)
		}
		return nil
	}
	switch {
	case bench != "" && selects(bench, matrix.ThroughputBenchmark):
		return fmt.Errorf("-rate: BenchmarkThroughput, which -bench=%s selects, sends as fast as it can: want "+
			"-bench=Latency", bench)
	case f.matrix != "":
		return fmt.Errorf("-rate: the matrix %q is one of BenchmarkThroughput: want no -matrix", f.matrix)
	case f.rate.arrivals != arrivalsEven && f.rate.arrivals != arrivalsPoisson:
		return fmt.Errorf("-arrivals: %q: want even or poisson", f.rate.arrivals)
	}
	rates, err := matrix.ParseRates(f.rate.rates)
	if err != nil {
		return fmt.Errorf("-rate: %w", err)
	}
	for _, rate := range rates {
		o.Matrix.Paces = append(o.Matrix.Paces, matrix.Pace{Rate: rate, Poisson: f.rate.arrivals == arrivalsPoisson})
	}
	if !f.given("conns") {
		o.Matrix.Conns = []int{matrix.OpenConns}
	}
	if !f.given("events") {
		o.Matrix.Events = 0 // as many as the rate makes of a time
	}
	return nil
}
