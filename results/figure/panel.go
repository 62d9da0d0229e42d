package figure

import (
	"fmt"
	"image/color"
	"slices"

	"cometbench/matrix"
	"cometbench/results/stat"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// stroke is a dashed or solid line without marks.
type stroke struct {
	x, y  []float64
	style draw.LineStyle
}

// Plot implements [plot.Plotter].
func (s stroke) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	pts := make([]vg.Point, len(s.x))
	for i := range s.x {
		pts[i] = vg.Point{X: tx(s.x[i]), Y: ty(s.y[i])}
	}
	c.StrokeLines(s.style, c.ClipLinesXY(pts)...)
}

// measured is a line of results: its points, their error bars, and what joins
// them. Where a cell was left out that other lines of the set have, the line is
// interrupted.
type measured struct {
	axis   Axis
	line   line
	places []float64 // on the x axis, of all lines of the set
	bars   Bars
	look   look
	ghost  bool
	tip    func(vg.Point, Point) // called with where each point is drawn
}

// look is how a line of results is drawn.
type look struct {
	color  color.Color
	marker marker
	radius vg.Length // of a point
	width  vg.Length // of the line
}

// Plot implements [plot.Plotter].
func (m measured) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	at := func(q Point) vg.Point { return vg.Point{X: tx(m.axis.x(q)), Y: ty(q.Mean)} }
	style := draw.LineStyle{Color: m.look.color, Width: m.look.width}
	for _, part := range m.parts() {
		pts := make([]vg.Point, len(part))
		for i, q := range part {
			pts[i] = at(q)
		}
		if len(pts) > 1 {
			c.StrokeLines(style, pts)
		}
	}
	if !m.ghost {
		thin := draw.LineStyle{Color: m.look.color, Width: m.look.width * 0.7}
		for _, q := range m.line.points {
			low, high := q.span(m.bars)
			x, y0, y1 := tx(m.axis.x(q)), ty(low), ty(high)
			if y1-y0 < m.look.radius/2 {
				continue // hidden behind its point, caps would only blur it
			}
			cap := m.look.radius * 0.9
			c.StrokeLines(thin,
				[]vg.Point{{X: x, Y: y0}, {X: x, Y: y1}},
				[]vg.Point{{X: x - cap, Y: y0}, {X: x + cap, Y: y0}},
				[]vg.Point{{X: x - cap, Y: y1}, {X: x + cap, Y: y1}})
		}
	}
	for _, q := range m.line.points {
		m.look.marker.draw(&c, at(q), m.look.radius, m.look.color)
		m.tip(at(q), q)
	}
}

// parts cuts the line where a place of the axis has no point.
func (m measured) parts() [][]Point {
	var list [][]Point
	last := -2
	for _, q := range m.line.points {
		i := slices.Index(m.places, m.axis.x(q))
		if i >= 0 && i != last+1 && last >= -1 || len(list) == 0 {
			list = append(list, nil)
		}
		list[len(list)-1] = append(list[len(list)-1], q)
		last = i
	}
	return list
}

// doubts marks the points that say little: a ring has missing events, and in a
// square the author or the machine was the limit.
type doubts struct {
	axis   Axis
	lines  []line
	radius vg.Length
}

// Plot implements [plot.Plotter].
func (d doubts) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	for _, l := range d.lines {
		for _, q := range l.points {
			if q.Missing != 0 {
				ring(&c, vg.Point{X: tx(d.axis.x(q)), Y: ty(q.Mean)}, d.radius)
			}
			if q.Bottleneck.Doubtful() {
				square(&c, vg.Point{X: tx(d.axis.x(q)), Y: ty(q.Mean)}, d.radius)
			}
		}
	}
}

// ring draws the mark of missing events.
func ring(c *draw.Canvas, pt vg.Point, r vg.Length) { outline(c, circle(pt, r)) }

// square draws the mark of a limit that isn't the broker's.
func square(c *draw.Canvas, pt vg.Point, r vg.Length) {
	var path vg.Path
	path.Move(vg.Point{X: pt.X - r, Y: pt.Y - r})
	path.Line(vg.Point{X: pt.X + r, Y: pt.Y - r})
	path.Line(vg.Point{X: pt.X + r, Y: pt.Y + r})
	path.Line(vg.Point{X: pt.X - r, Y: pt.Y + r})
	outline(c, path)
}

func outline(c *draw.Canvas, path vg.Path) {
	path.Close()
	c.SetLineStyle(draw.LineStyle{Color: ink, Width: 0.6})
	c.Stroke(path)
}

// grids draws the lines to read values by, and the frame of the panel.
type grids struct{ values, places []float64 }

// Plot implements [plot.Plotter].
func (g grids) Plot(c draw.Canvas, p *plot.Plot) {
	tx, ty := p.Transforms(&c)
	faint := draw.LineStyle{Color: grid, Width: 0.5}
	for _, v := range g.values {
		c.StrokeLine2(faint, c.Min.X, ty(v), c.Max.X, ty(v))
	}
	axis := draw.LineStyle{Color: muted, Width: 0.6}
	c.StrokeLine2(axis, c.Min.X, c.Min.Y, c.Max.X, c.Min.Y)
	c.StrokeLine2(axis, c.Min.X, c.Min.Y, c.Min.X, c.Max.Y)
	for _, x := range g.places {
		c.StrokeLine2(axis, tx(x), c.Min.Y, tx(x), c.Min.Y-2.5)
	}
}

// tip returns a function that adds the tips of a set's points to the sheet.
func (s *sheet) tip(set string) func(vg.Point, Point) {
	return func(at vg.Point, p Point) {
		if s.fig.Axis != Brokers {
			p.Broker = set
		}
		text := fmt.Sprintf("%s: %s %s", p, stat.FormatRate(p.Mean), s.fig.unit())
		if low, high := p.span(s.bars); low < high {
			text += fmt.Sprintf(" (%s to %s)", stat.FormatRate(low), stat.FormatRate(high))
		}
		if p.Missing != 0 {
			text += fmt.Sprintf(", %d events missing", p.Missing)
		}
		if p.Bottleneck != "" {
			text += ", " + string(p.Bottleneck)
		}
		s.tips = append(s.tips, tip{at, text})
	}
}

// unit is that of the values drawn.
func (f *Figure) unit() string {
	if f.Partner != "" {
		return "% of " + f.Partner
	}
	return "events/s"
}

// plotOf returns the panel's plot without axes: the sheet draws them, once
// for all that share them.
func (s *sheet) plotOf(i int) *plot.Plot {
	f, pan := s.fig, s.panels[i]
	p := plot.New()
	p.HideAxes()
	p.BackgroundColor = nil
	p.X.Padding, p.Y.Padding = 0, 0
	p.X.Scale, p.X.Min, p.X.Max = s.scale, s.lo, s.hi
	p.Y.Min, p.Y.Max = s.floor, s.limits[i]
	p.Add(grids{s.values(i), s.places})
	for _, l := range s.ghost {
		k := slices.Index(s.keys, l.key)
		m := marker{size: 0.8}
		if k >= 0 {
			m = s.marker(k)
		}
		p.Add(measured{f.Axis, l, places(f.Axis, f.Ghost), s.bars, look{pale, m, s.radius * 0.8, s.stroke * 0.8}, true,
			s.tip(f.GhostName)})
	}
	if t, ok := f.Service[pan.broker]; ok {
		for _, l := range pan.lines {
			of := matrix.ParseSeries(pan.broker).Deployment
			x, y := theoryLine(f.Axis, of, l.key, s.places, t, pan.top())
			if x != nil {
				p.Add(stroke{x, y, s.dashed(s.color(l.key))})
			}
		}
	}
	// The lowest key is drawn last: where lines meet, it hides the least.
	for _, l := range slices.Backward(pan.lines) {
		p.Add(measured{f.Axis, l, pan.places(f.Axis), s.bars, s.look(l.key), false, s.tip(pan.broker)})
	}
	p.Add(doubts{f.Axis, pan.lines, s.radius * 1.9})
	return p
}
