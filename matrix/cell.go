// Package matrix names the points of the experiment. A [Cell] is one value
// (broker, latency, connections, events) from which everything else is
// derived: the delay that is emulated, the author's load, the benchmark's
// name and the folder in a tree of results. So a label can't disagree with
// what ran.
package matrix

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Cell is one point of the matrix broker × latency × connections, with the
// number of events that one run of it sends.
type Cell struct {
	// Broker is the label of the broker under test, such as "embedded" or
	// "comet-3.1.0". It holds no slash and no space.
	Broker string `json:"broker"`
	// Latency is the one-way delay added to what the author sends.
	Latency time.Duration `json:"latency_ns"`
	// Conns is the most connections that the author holds open at a time.
	Conns int `json:"conns"`
	// Events is how many events one run sends.
	Events int `json:"events"`
	Deployment
	// Pace is that of an open loop. In a closed loop, its zero value, the author
	// sends as fast as the broker lets it.
	Pace
}

// String returns the cell's name in a benchmark, as benchstat reads it:
// "broker=comet-3.1.0/latency=100ms/conns=64", and behind it "/rate=250" of an open
// loop, and what is unusual in the deployment. Latency is always in milliseconds,
// so that benchstat's @num order sorts it.
func (c Cell) String() string {
	return fmt.Sprintf("broker=%s/latency=%s/conns=%d%s%s", c.Broker, FormatLatency(c.Latency), c.Conns,
		c.Pace.name(), c.Deployment.suffix("/"))
}

// The benchmarks that measure cells.
const (
	ThroughputBenchmark = "BenchmarkThroughput" // closed loops
	LatencyBenchmark    = "BenchmarkLatency"    // open loops
)

// Benchmark returns the name of the benchmark that measures the cell.
func (c Cell) Benchmark() string {
	if c.Rate > 0 {
		return LatencyBenchmark
	}
	return ThroughputBenchmark
}

// Series names what a cell has in common with those that differ in latency and
// connections only: the broker, and what is unusual in the deployment, as in
// "comet-3.1.0/subscribers=16".
func (c Cell) Series() string { return c.Broker + c.Deployment.suffix("/") }

// Dir returns the cell's folder in a tree of results, slash-separated:
// "comet-3.1.0/100ms/64c", as the original experiment named it below the
// broker's level, which also has what is unusual in the deployment, and
// "comet-3.1.0/100ms/1024c-250r" in an open loop. A cell without a broker (a tree of
// the original experiment) has no such level.
func (c Cell) Dir() string {
	return path.Join(c.Top(), FormatLatency(c.Latency), strconv.Itoa(c.Conns)+"c"+c.Pace.dir())
}

// Top returns the first of the folders in Dir: "comet-3.1.0,subscribers=16".
func (c Cell) Top() string { return c.Broker + c.Deployment.suffix(",") }

// Expected returns the least time in which the author can send the cell's
// events: the delayed one-way trips of an event (SYN and event; paper, section on
// throughput), shared among the connections. It is 0 without latency. In an open
// loop it is how long events become due.
func (c Cell) Expected() time.Duration {
	if c.Rate > 0 {
		return c.Pace.Time(c.Events)
	}
	if c.Conns == 0 {
		return 0
	}
	return time.Duration(c.RoundTrips()*c.Events) * c.Latency / time.Duration(c.Conns)
}

// TheoreticalRate returns the events per second that conns connections reach
// while the broker isn't saturated: one event a connection takes its round
// trips (rtt) and the service time t (the rest of a transaction).
func (c Cell) TheoreticalRate(rtt, t time.Duration) float64 {
	return float64(c.Conns) / (time.Duration(c.RoundTrips())*rtt + t).Seconds()
}

// FormatLatency writes a latency in milliseconds, without trailing zeros:
// "0ms", "0.5ms", "100ms".
func FormatLatency(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', -1, 64) + "ms"
}

// ParseLatency reads what [FormatLatency] writes. Use [time.ParseDuration] for
// what a person types.
func ParseLatency(s string) (time.Duration, error) {
	digits, ok := strings.CutSuffix(s, "ms")
	if !ok {
		return 0, fmt.Errorf("latency %q: want milliseconds, such as 100ms", s)
	}
	ms, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(ms >= 0 && ms <= 1e6) || strings.ContainsAny(digits, "eExX_+") {
		return 0, fmt.Errorf("latency %q: want milliseconds, such as 100ms", s)
	}
	return time.Duration(ms*float64(time.Millisecond) + 0.5), nil
}

// ParseDir reads the last element of what [Cell.Dir] writes into the cell: "64c"
// is 64 connections, "1024c-250r" an open loop of 250 events/s.
func (c *Cell) ParseDir(s string) error {
	digits, pace, ok := strings.Cut(s, "c")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || strconv.Itoa(n) != digits {
		return fmt.Errorf("connections %q: want a positive number and c, such as 64c", s)
	}
	if err := c.Pace.parseDir(pace); err != nil {
		return fmt.Errorf("connections %q: %w", s, err)
	}
	c.Conns = n
	return nil
}

var name = regexp.MustCompile(`^(?:Benchmark)?(?:(?:Throughput|Latency)/)?` +
	`broker=([^/]+)/latency=([^/]+)/conns=([0-9]+)((?:/rate=[0-9.]+(?:/arrivals=poisson)?)?)(/.*?)?(?:-[0-9]+)?$`)

// ParseName reads a benchmark's name, with or without "BenchmarkThroughput/" (or
// "BenchmarkLatency/") before it and the "-8" of GOMAXPROCS behind it. Events isn't
// in the name and
// stays 0.
func ParseName(s string) (Cell, error) {
	m := name.FindStringSubmatch(s)
	if m == nil {
		return Cell{}, fmt.Errorf("benchmark %q: want broker=NAME/latency=100ms/conns=64", s)
	}
	latency, err := ParseLatency(m[2])
	if err != nil {
		return Cell{}, fmt.Errorf("benchmark %q: %w", s, err)
	}
	conns, err := strconv.Atoi(m[3])
	if err != nil || conns < 1 {
		return Cell{}, fmt.Errorf("benchmark %q: connections %s: want a positive number", s, m[3])
	}
	cell := Cell{Broker: m[1], Latency: latency, Conns: conns}
	if err := cell.Pace.parseName(m[4]); err != nil {
		return Cell{}, fmt.Errorf("benchmark %q: rate %w", s, err)
	}
	if cell.Deployment, err = parseDeployment(m[5]); err != nil {
		return Cell{}, fmt.Errorf("benchmark %q: %w", s, err)
	}
	return cell, nil
}
