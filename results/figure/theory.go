package figure

import (
	"math"
	"time"

	"cometbench/matrix"
)

// theoryLine returns the line of theory, such as n/(2·L+t), of cells for one line of a panel, from its
// first place up to where it meets the panel's fastest mean: from there on
// the broker, not the network, sets the pace. It returns nothing where all of
// it lies above.
func theoryLine(
	axis Axis, of matrix.Deployment, key int64, xs []float64, service time.Duration, top float64,
) (x, y []float64) {
	const steps = 96
	lo, hi := xs[0], xs[len(xs)-1]
	rate := func(x float64) float64 {
		c := matrix.Cell{Conns: int(key), Deployment: of}
		rtt := time.Duration(x * float64(time.Millisecond))
		if axis == Connections {
			// Between two counts the line goes on: TheoreticalRate is
			// linear in them.
			c.Conns, rtt = 1, time.Duration(key)
			return x * c.TheoreticalRate(rtt, service)
		}
		return c.TheoreticalRate(rtt, service)
	}
	for i := range steps + 1 {
		at := lo + (hi-lo)*float64(i)/steps
		if axis == Connections && hi > lo {
			at = lo * math.Pow(hi/lo, float64(i)/steps)
		}
		r := rate(at)
		if !finite(r) || r > top {
			if axis == Connections {
				if n := len(x); n > 0 && y[n-1] > 0 {
					// End where it meets the top.
					x, y = append(x, x[n-1]*top/y[n-1]), append(y, top)
				}
				break
			}
			continue
		}
		x, y = append(x, at), append(y, r)
	}
	if len(x) < 2 {
		return nil, nil
	}
	return x, y
}

// top returns the fastest mean of a panel.
func (p panel) top() float64 {
	var top float64
	for _, l := range p.lines {
		for _, q := range l.points {
			top = max(top, q.Mean)
		}
	}
	return top
}

// highest returns the upper end of the highest error bar of lines.
func highest(lines []line, b Bars) float64 {
	var top float64
	for _, l := range lines {
		for _, q := range l.points {
			_, high := q.span(b)
			top = max(top, high, q.Mean)
		}
	}
	return top
}
