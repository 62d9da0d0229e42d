package figure

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"cometbench/matrix"
	"cometbench/results/stat"
)

// line is one line of a panel: the points of one latency, or of one number
// of connections, in the order of the other.
type line struct {
	key    int64 // the latency in ns or the connections that its points share
	points []Point
}

// panel is the results of one broker; of one latency, where brokers are on the
// axis.
type panel struct {
	broker string
	lines  []line
}

// panelOf names the panel that a point is in.
func (f *Figure) panelOf(p Point) string {
	if f.Axis == Brokers {
		return milliseconds(p.Latency) + " latency"
	}
	return p.Broker
}

// order returns the brokers from left to right, where they are on the axis.
func (f *Figure) order() []string {
	if f.Order != nil {
		return f.Order
	}
	var list []string
	for _, p := range f.Points {
		if !slices.Contains(list, p.Broker) {
			list = append(list, p.Broker)
		}
	}
	slices.SortFunc(list, compareNatural)
	return list
}

// placed returns the figure with its brokers at their places, where they are on
// the axis.
func (f *Figure) placed() *Figure {
	if f.Axis != Brokers {
		return f
	}
	g := *f
	g.Order, g.Points, g.Service = f.order(), slices.Clone(f.Points), nil
	for i := range g.Points {
		g.Points[i].place = float64(slices.Index(g.Order, g.Points[i].Broker))
	}
	return &g
}

// key returns what the points of p's line share: the latency in nanoseconds, or
// the number of connections.
func (a Axis) key(p Point) int64 {
	if a == Connections {
		return int64(p.Latency)
	}
	return int64(p.Conns)
}

// x returns where p is on the x axis: connections, milliseconds, or the broker's
// place.
func (a Axis) x(p Point) float64 {
	switch a {
	case Connections:
		return float64(p.Conns)
	case Brokers:
		return p.place
	}
	return ms(p.Latency)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// panels groups the points by panel, in natural order.
func (f *Figure) panels() []panel {
	var list []panel
	for _, p := range f.Points {
		name := f.panelOf(p)
		i := slices.IndexFunc(list, func(l panel) bool { return l.broker == name })
		if i < 0 {
			list = append(list, panel{broker: name})
		}
	}
	slices.SortFunc(list, func(a, b panel) int { return compareNatural(a.broker, b.broker) })
	for i := range list {
		var of []Point
		for _, p := range f.Points {
			if f.panelOf(p) == list[i].broker {
				of = append(of, p)
			}
		}
		list[i].lines = lines(f.Axis, of)
	}
	return list
}

// places returns the different places of the panel's points on the x axis.
func (p panel) places(axis Axis) []float64 {
	var of []Point
	for _, l := range p.lines {
		of = append(of, l.points...)
	}
	return places(axis, of)
}

// lines groups points by what they share, both in rising order.
func lines(axis Axis, points []Point) []line {
	byKey := map[int64][]Point{}
	for _, p := range points {
		byKey[axis.key(p)] = append(byKey[axis.key(p)], p)
	}
	list := make([]line, 0, len(byKey))
	for key, of := range byKey {
		slices.SortStableFunc(of, func(a, b Point) int { return cmp.Compare(axis.x(a), axis.x(b)) })
		list = append(list, line{key, of})
	}
	slices.SortFunc(list, func(a, b line) int { return cmp.Compare(a.key, b.key) })
	return list
}

// keys returns the different keys of points, rising.
func keys(axis Axis, points []Point) []int64 {
	var list []int64
	for _, p := range points {
		list = append(list, axis.key(p))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// places returns the different places of points on the x axis, rising.
func places(axis Axis, points []Point) []float64 {
	var list []float64
	for _, p := range points {
		list = append(list, axis.x(p))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// ghost returns the lines of Ghost that a reader can compare with the
// results: those that were measured here too, within the measured range of
// x. Where nothing is left of them, all of Ghost.
func (f *Figure) ghost() []line {
	have := keys(f.Axis, f.Points)
	xs := places(f.Axis, f.Points)
	if len(xs) == 0 {
		return nil
	}
	var of []Point
	for _, p := range f.Ghost {
		x := f.Axis.x(p)
		if slices.Contains(have, f.Axis.key(p)) && x >= xs[0] && x <= xs[len(xs)-1] {
			of = append(of, p)
		}
	}
	if len(of) == 0 {
		of = f.Ghost
	}
	return lines(f.Axis, of)
}

// name writes what a line's points share: "100 ms", or "64".
func (a Axis) name(key int64) string {
	if a == Connections {
		return milliseconds(time.Duration(key))
	}
	return stat.FormatCount(float64(key))
}

// milliseconds writes a latency for people: "0.5 ms".
func milliseconds(d time.Duration) string {
	return strings.TrimSuffix(matrix.FormatLatency(d), "ms") + " ms"
}

// compareNatural orders labels as people do: comet-1.9.0 before comet-1.10.0.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		x, y := chunk(a), chunk(b)
		a, b = a[len(x):], b[len(y):]
		if x == y {
			continue
		}
		if digit(x[0]) && digit(y[0]) {
			tx, ty := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if c := cmp.Or(cmp.Compare(len(tx), len(ty)), cmp.Compare(tx, ty)); c != 0 {
				return c
			}
		}
		return cmp.Compare(x, y)
	}
	return cmp.Compare(len(a), len(b))
}

// chunk returns the longest head of s that is all digits or has none.
func chunk(s string) string {
	n := 1
	for n < len(s) && digit(s[n]) == digit(s[0]) {
		n++
	}
	return s[:n]
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
