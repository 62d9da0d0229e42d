package results

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cometbench/matrix"
	"cometbench/results/journey"
	"cometbench/results/stat"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latencies returns the metrics of how long events took to their ack and to the
// subscriber's database.
func latencies() []Metric {
	var list []Metric
	for _, stage := range []journey.Stage{journey.Ack, journey.Delivery} {
		for _, p := range percentiles() {
			of := func(r *Run) time.Duration {
				if r.Journeys == nil || r.Journeys.Of(stage) == nil {
					return 0
				}
				return p.of(r.Journeys.Of(stage))
			}
			list = append(list, Metric{
				Unit: stage.String() + "-" + p.name + "-sec", Better: "lower",
				Has: func(r *Run) bool { return of(r) > 0 },
				Of:  func(r *Run) float64 { return of(r).Seconds() },
			})
		}
	}
	return list
}

// LatencyFigure is one of a cell's figures of latency.
type LatencyFigure struct {
	// Unit names it as benchmarks print it, Heading in tables.
	Unit, Heading string
}

// LatencyFigures returns those that a cell may have, in the order in which they are
// printed.
func LatencyFigures() []LatencyFigure {
	var list []LatencyFigure
	for _, m := range latencies() {
		heading := strings.ReplaceAll(strings.TrimSuffix(m.Unit, "-sec"), "-", " ")
		list = append(list, LatencyFigure{m.Unit, strings.ToUpper(heading[:1]) + heading[1:]})
	}
	return list
}

// longestUnit ends the units of the longest latencies.
const longestUnit = "-max-sec"

// latencies sums up the figures of latency of a cell's runs.
func (m *CellRuns) latencies() map[string]float64 {
	var sum map[string]float64
	for _, metric := range latencies() {
		var values []float64
		for _, run := range m.Runs {
			if v, ok := run.Figures[metric.Unit]; ok {
				values = append(values, v)
			}
		}
		if len(values) == 0 {
			continue
		}
		if sum == nil {
			sum = make(map[string]float64)
		}
		if sum[metric.Unit] = stat.Median(values); strings.HasSuffix(metric.Unit, longestUnit) {
			sum[metric.Unit] = slices.Max(values)
		}
	}
	return sum
}

// losses adds up the losses of a cell's runs.
func (m *CellRuns) losses() journey.Losses {
	var sum journey.Losses
	for _, run := range m.Runs {
		for name, n := range run.Losses {
			if sum == nil {
				sum = make(journey.Losses)
			}
			sum[name] += n
		}
	}
	return sum
}

// percentile is one of those that are metrics.
type percentile struct {
	name string
	of   func(*journey.Latency) time.Duration // 0 where there are too few events
}

func percentiles() []percentile {
	return []percentile{
		{"p50", func(l *journey.Latency) time.Duration { return l.P50 }},
		{"p99", func(l *journey.Latency) time.Duration { return l.P99 }},
		{"p99.9", func(l *journey.Latency) time.Duration { return l.P999 }},
		{"max", func(l *journey.Latency) time.Duration { return l.Max }},
	}
}

// CellLatency is how long the events of all runs of a cell took to a stage.
type CellLatency struct {
	Cell matrix.Cell
	// Histogram has the events that reached the stage, of all runs.
	Histogram *hdrhistogram.Histogram
	// Resolution is the coarsest of the runs' clocks.
	Resolution time.Duration
	// Runs is how many runs it is of, and Missing how many of their events
	// aren't in the subscriber's database.
	Runs, Missing int
}

// LoadLatencies reads the histograms of a tree's runs, and adds up those of a cell,
// in the order in which the tree has them. Runs without any, as those of earlier
// versions, are left out. An error is about runs that can't be read; the others are
// returned with it.
func LoadLatencies(ctx context.Context, dir string, stage journey.Stage) ([]CellLatency, error) {
	var list []CellLatency
	var broken []error
	for found, err := range Scan(ctx, dir) {
		if errors.Is(err, ErrForeign) {
			continue
		}
		if err == nil && (found.Run.Void != "" || found.Run.Journeys == nil || found.Run.Journeys.Of(stage) == nil) {
			continue
		}
		var h *hdrhistogram.Histogram
		if err == nil {
			h, err = readHistogram(filepath.Join(dir, filepath.FromSlash(found.Path), LatenciesFile), stage)
		}
		if err != nil {
			broken = append(broken, err)
			continue
		}
		key := found.Run.Cell
		key.Events = 0
		i := slices.IndexFunc(list, func(c CellLatency) bool { return c.Cell == key })
		if i < 0 {
			i = len(list)
			list = append(list, CellLatency{Cell: key, Histogram: h})
		} else {
			list[i].Histogram.Merge(h)
		}
		list[i].Runs++
		list[i].Missing += found.Run.Missing()
		list[i].Resolution = max(list[i].Resolution, found.Run.Journeys.Of(stage).Resolution)
	}
	return list, errors.Join(broken...)
}

func readHistogram(name string, stage journey.Stage) (*hdrhistogram.Histogram, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h, err := journey.ReadLog(f, stage)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return h, nil
}
