// Package figure draws the two figures of the original experiment: throughput
// against the number of connections, with one line per latency, and throughput
// against latency, with one line per number of connections. Several brokers are
// drawn side by side as small multiples with shared axes; or in one panel, each
// at a place of its own, with one line per number of connections.
//
// What a mark means doesn't depend on colour alone: each line of a panel has
// its own marker, and kinds of line differ in how they are drawn (measured:
// solid, with markers; theory: dashed, without; another experiment's results:
// light grey). The colours of lines are ordered from dark to light as the
// latencies (or connections) are, and stay ordered for colour-blind people
// and on a grey printer.
//
// The same data gives the same bytes: figures have no date.
package figure

import (
	"errors"
	"fmt"
	"time"

	"cometbench/results"
)

// Axis is the quantity on the x axis.
type Axis string

// The axes of the figures.
const (
	// Connections is the number of simultaneous connections.
	Connections Axis = "connections"
	// Latency is the one-way latency.
	Latency Axis = "latency"
	// Brokers are the brokers, side by side.
	Brokers Axis = "brokers"
)

// ParseAxis reads the name of an axis.
func ParseAxis(s string) (Axis, error) {
	switch k := Axis(s); k {
	case Connections, Latency, Brokers:
		return k, nil
	}
	return "", fmt.Errorf("figure %q: want %s, %s or %s", s, Connections, Latency, Brokers)
}

// Bars is the range that error bars span.
type Bars string

// The ranges of error bars.
const (
	// Range is from the slowest to the fastest run.
	Range Bars = "range"
	// Std is one standard deviation to either side of the mean.
	Std Bars = "std"
	// Interval is where the truth lies, as [cometbench/results/compare] has it.
	Interval Bars = "interval"
)

// ParseBars reads the name of what error bars span.
func ParseBars(s string) (Bars, error) {
	switch b := Bars(s); b {
	case Range, Std:
		return b, nil
	}
	return "", fmt.Errorf("error bars %q: want %s or %s", s, Range, Std)
}

// Point is what was measured in one cell, for one role.
type Point struct {
	// Broker is the label of the broker, "" where there is but one and
	// nobody knows its name.
	Broker string
	// Latency is the one-way delay that was added on the author's side.
	Latency time.Duration
	// Conns is the number of simultaneous connections.
	Conns int
	// Rates are events per second.
	results.Rates
	// Missing is how many events of all runs didn't reach the subscriber. It is
	// below zero if its database had others.
	Missing int
	// Bottleneck is what limited the cell, "" where that isn't known.
	Bottleneck results.Bottleneck

	place float64 // of its broker, where brokers are on the axis
}

// Figure is one figure: what it shows and how.
type Figure struct {
	Axis Axis
	// Role is the one whose throughput is drawn. It is named on the axis and in the
	// caption.
	Role results.Role
	// Bars is what error bars span; "" means [Range].
	Bars Bars
	// Title is written above the figure; "" means one that names what is shown.
	Title string
	// Points are the results.
	Points []Point
	// Partner is the broker that all others were compared with: then rates are
	// percentages of its own. "" where they are events per second.
	Partner string
	// Quantity says of what they are percentages: "" means events per second.
	Quantity string
	// Order is that of brokers from left to right, where they are on the axis; nil
	// means the natural one.
	Order []string
	// Ghost is drawn in light grey behind the results in every panel.
	Ghost []Point
	// GhostName is the name of Ghost in the legend.
	GhostName string
	// Service is the time that a transaction takes besides its two delayed
	// round trips, by broker's label. Theory's lines are drawn for these
	// brokers only.
	Service map[string]time.Duration
}

// ErrEmpty is returned where there is nothing to draw.
var ErrEmpty = errors.New("nothing to draw")

// maxPanels bounds the brokers of one figure: with more, no panel can be read.
const maxPanels = 30

// validate checks what a caller may have got wrong.
func (f *Figure) validate() error {
	if _, err := ParseAxis(string(f.Axis)); err != nil {
		return err
	}
	if f.Bars != "" && f.Bars != Interval {
		if _, err := ParseBars(string(f.Bars)); err != nil {
			return err
		}
	}
	for _, p := range f.Points {
		if p.Conns < 1 || p.Latency < 0 {
			return fmt.Errorf("cell %s: want at least one connection and a latency of 0 or more", p)
		}
		if !finite(p.Mean) || !finite(p.Min) || !finite(p.Max) || !finite(p.Std) {
			return fmt.Errorf("cell %s: rates must be finite, and 0 or more", p)
		}
	}
	if len(f.Points) == 0 {
		return ErrEmpty
	}
	if n := len(f.panels()); n > maxPanels {
		return fmt.Errorf("%d brokers: one figure holds at most %d; draw fewer", n, maxPanels)
	}
	return nil
}

// finite reports whether a rate can be drawn.
func finite(v float64) bool { return v >= 0 && v <= 1e12 }

// String names the point's cell.
func (p Point) String() string {
	s := fmt.Sprintf("%s/%dc", milliseconds(p.Latency), p.Conns)
	if p.Broker != "" {
		s = p.Broker + "/" + s
	}
	return s
}

// span returns the ends of the point's error bar.
func (p Point) span(b Bars) (low, high float64) {
	if b == Std {
		return max(0, p.Mean-p.Std), p.Mean + p.Std
	}
	return p.Min, p.Max
}
