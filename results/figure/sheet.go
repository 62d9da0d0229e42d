package figure

import (
	"image/color"
	"slices"
	"strings"

	"cometbench/results/stat"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sheet is a figure laid out: title, legend, panels with shared axes, caption,
// from top to bottom. All lengths are points (1/72 inch).
type sheet struct {
	fig    *Figure
	bars   Bars
	panels []panel
	ghost  []line
	keys   []int64   // what lines of all panels share, rising
	places []float64 // ticks of the x axis
	scale  plot.Normalizer
	lo, hi float64   // limits of the x axis
	limits []float64 // of each panel's y axis
	floor  float64   // where it begins

	cols, rows     int
	width, height  vg.Length
	dataW, dataH   vg.Length // of a panel
	gapX, gapY     vg.Length // between panels
	left           vg.Length // of the first panel
	panelTop       vg.Length // below the sheet's top
	radius, stroke vg.Length // of points and lines

	text                            text.Handler
	title, strip, tick, label, note text.Style

	heading []string // the lines of the title
	legend  []legendRow
	caption []string
	tips    []tip // of the points that were drawn
}

const margin vg.Length = 10

// lay computes the layout of a valid figure.
func lay(f *Figure) (*sheet, error) {
	handler, err := typefaces()
	if err != nil {
		return nil, err
	}
	f = f.placed()
	s := &sheet{text: handler, fig: f, bars: f.Bars, panels: f.panels(), ghost: f.ghost(), keys: keys(f.Axis, f.Points)}
	if s.bars == "" {
		s.bars = Range
	}
	s.places = places(f.Axis, f.Points)
	xs := slices.Clone(s.places)
	for _, l := range s.ghost {
		xs = append(xs, places(f.Axis, l.points)...)
	}
	slices.Sort(xs)
	s.scale, s.lo, s.hi = f.Axis.scaleOf(xs)
	tops := make([]float64, len(s.panels))
	for i, p := range s.panels {
		tops[i] = max(highest(p.lines, s.bars), highest(s.ghost, s.bars))
	}
	s.limits = shareScales(tops)
	if f.Partner != "" {
		s.floor = s.lowest()
	}

	s.size()
	s.tick.XAlign, s.tick.YAlign = text.XCenter, text.YTop
	wide := s.tickWidth()
	s.left = margin + s.label.Height("y") + 8 + wide + 4
	s.gapX = 12
	for i := range s.panels {
		if i%s.cols > 0 && s.ownAxis(i) {
			s.gapX = wide + 14
		}
	}
	s.gapY = s.strip.Height("x") + 10
	s.dataW = (s.width - s.left - margin - s.gapX*vg.Length(s.cols-1)) / vg.Length(s.cols)

	inner := s.width - 2*margin
	s.legend = s.layLegend(inner)
	s.caption = wrap(s.note, s.captionText(), inner)
	s.heading = wrap(s.title, f.title(), inner)
	y := margin + s.headingHeight()
	y += vg.Length(len(s.legend)) * s.legendHeight()
	s.panelTop = y + 3 + s.strip.Height("x") + 5
	y = s.panelTop + vg.Length(s.rows)*s.dataH + vg.Length(s.rows-1)*s.gapY
	y += 6 + s.tick.Height("0") + 4 + s.label.Height("x") + 8
	s.height = y + vg.Length(len(s.caption))*s.note.Height("x")*1.2 + margin - 2
	return s, nil
}

// size chooses the sizes for the number of panels: one is as wide as a page's
// text, many share a page, with smaller type.
func (s *sheet) size() {
	n := len(s.panels)
	switch {
	case n <= 3:
		s.cols = n
	case n == 4:
		s.cols = 2
	case n <= 15:
		s.cols = 3
	default:
		s.cols = 4
	}
	s.rows = (n + s.cols - 1) / s.cols
	s.radius, s.stroke = 1.9, 0.9
	tick := vg.Length(7)
	switch s.cols {
	case 1:
		s.width, s.dataH, tick = 500, 250, 9
		s.radius, s.stroke = 2.9, 1.2
	case 2:
		s.width, s.dataH, tick = 600, 190, 8
		s.radius, s.stroke = 2.4, 1.1
	case 3:
		s.width, s.dataH = 620, 112
	default:
		s.width, s.dataH = 760, 108
	}
	if s.cols == 3 && s.rows == 1 {
		s.dataH = 150
	}
	s.title = aligned(s.style(12, xfont.WeightBold, ink), text.XLeft, text.YTop)
	s.strip = aligned(s.style(8.5, xfont.WeightBold, ink), text.XLeft, text.YBottom)
	s.tick = s.style(tick, xfont.WeightNormal, ink)
	s.label = aligned(s.style(9, xfont.WeightNormal, ink), text.XCenter, text.YTop)
	s.note = aligned(s.style(8, xfont.WeightNormal, muted), text.XLeft, text.YTop)
}

// headingHeight returns the height of the title, with the space below it.
func (s *sheet) headingHeight() vg.Length {
	return vg.Length(len(s.heading))*s.title.Height("T") + 7
}

// tickWidth returns the width of the widest label of a y axis.
func (s *sheet) tickWidth() vg.Length {
	var w vg.Length
	for _, l := range s.limits {
		for _, v := range valueTicks(s.floor, l, s.dataH) {
			w = max(w, s.tick.Width(stat.FormatCount(v)))
		}
	}
	return w
}

// lowest returns where the y axis begins, so that small differences can be seen: a
// twentieth below the lowest bar.
func (s *sheet) lowest() float64 {
	low := s.limits[0]
	for _, p := range s.fig.Points {
		end, _ := p.span(s.bars)
		low = min(low, end)
	}
	return low * 0.95
}

// values returns the ticks of a panel's y axis.
func (s *sheet) values(i int) []float64 {
	return valueTicks(s.floor, s.limits[i], s.dataH)
}

// ownAxis reports whether panel i writes the labels of its y axis: the first
// of a row does, and one whose scale isn't its neighbour's.
func (s *sheet) ownAxis(i int) bool {
	return i%s.cols == 0 || s.limits[i] != s.limits[i-1]
}

// color, marker and look return how the lines of a key are drawn.
func (s *sheet) color(key int64) color.Color {
	return shade(slices.Index(s.keys, key), len(s.keys))
}

func (s *sheet) marker(i int) marker {
	list := markers()
	return list[i%len(list)]
}

func (s *sheet) look(key int64) look {
	return look{s.color(key), s.marker(slices.Index(s.keys, key)), s.radius, s.stroke}
}

// dashed is the style of theory's lines.
func (s *sheet) dashed(col color.Color) draw.LineStyle {
	return draw.LineStyle{Color: col, Width: s.stroke * 0.8, Dashes: []vg.Length{s.stroke * 3, s.stroke * 2}}
}

// drawHead draws the ground, the heading, and the legend.
func (s *sheet) drawHead(c draw.Canvas) {
	c.SetColor(white)
	c.Fill(c.Rectangle.Path())
	y := c.Max.Y - margin
	for i, l := range s.heading {
		c.FillText(s.title, vg.Point{X: margin, Y: y - vg.Length(i)*s.title.Height("T")}, l)
	}
	s.drawLegend(c, y-s.headingHeight())
}

// draw draws the sheet.
func (s *sheet) draw(c draw.Canvas) {
	s.drawHead(c)
	down := func(y vg.Length) vg.Length { return c.Max.Y - y }
	for i := range s.panels {
		col, row := i%s.cols, i/s.cols
		x := s.left + vg.Length(col)*(s.dataW+s.gapX)
		y := down(s.panelTop + vg.Length(row)*(s.dataH+s.gapY))
		data := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: x, Y: y - s.dataH}, Max: vg.Point{X: x + s.dataW, Y: y},
		}}
		p := s.plotOf(i)
		p.Draw(data)
		s.drawStrip(data, i)
		if s.ownAxis(i) {
			s.drawValues(data, p, i)
		}
		if i+s.cols >= len(s.panels) {
			s.drawPlaces(data, p)
		}
	}

	bottom := s.panelTop + vg.Length(s.rows)*s.dataH + vg.Length(s.rows-1)*s.gapY
	middle := (s.left + s.width - margin) / 2
	y := bottom + 6 + s.tick.Height("0") + 4
	c.FillText(s.label, vg.Point{X: middle, Y: down(y)}, s.fig.xLabel())
	turned := s.label
	turned.Rotation = 1.5707963267948966
	c.FillText(turned, vg.Point{X: margin, Y: down((s.panelTop + bottom) / 2)}, s.fig.yLabel())
	y += s.label.Height("x") + 8
	for _, l := range s.caption {
		c.FillText(s.note, vg.Point{X: margin, Y: down(y)}, l)
		y += s.note.Height("x") * 1.2
	}
}

// drawStrip writes what the panel shows above it.
func (s *sheet) drawStrip(c draw.Canvas, i int) {
	y := c.Max.Y + 4
	name := s.panels[i].broker
	right := ""
	if t, ok := s.fig.Service[name]; ok {
		right = "t = " + shortDuration(t)
	}
	if s.limits[i] != s.limits[0] {
		right = strings.TrimPrefix(right+", other scale", ", ")
	}
	note := aligned(s.style(s.strip.Font.Size-1, xfont.WeightNormal, muted), text.XRight, text.YBottom)
	room := s.dataW - note.Width(right) - 6
	c.FillText(s.strip, vg.Point{X: c.Min.X, Y: y}, elide(s.strip, name, room))
	if right != "" {
		c.FillText(note, vg.Point{X: c.Max.X, Y: y}, right)
	}
}

// drawValues writes the labels of a panel's y axis.
func (s *sheet) drawValues(c draw.Canvas, p *plot.Plot, i int) {
	_, ty := p.Transforms(&c)
	style := aligned(s.tick, text.XRight, text.YCenter)
	for _, v := range s.values(i) {
		c.FillText(style, vg.Point{X: c.Min.X - 4, Y: ty(v)}, stat.FormatCount(v))
	}
}

// placeName names a place of the x axis. What all brokers' names begin with stands
// in the axis's label.
func (s *sheet) placeName(x float64) string {
	if s.fig.Axis != Brokers {
		return stat.FormatCount(x)
	}
	return strings.TrimPrefix(s.fig.Order[int(x)], s.fig.begin())
}

// drawPlaces writes the labels of a panel's x axis, as many as there is room
// for.
func (s *sheet) drawPlaces(c draw.Canvas, p *plot.Plot) {
	tx, _ := p.Transforms(&c)
	at, widths := make([]vg.Length, len(s.places)), make([]vg.Length, len(s.places))
	for i, x := range s.places {
		at[i], widths[i] = tx(x), s.tick.Width(s.placeName(x))
	}
	keep := thin(at, widths, 1.5)
	for i, x := range s.places {
		if keep[i] {
			c.FillText(s.tick, vg.Point{X: at[i], Y: c.Min.Y - 5}, s.placeName(x))
		}
	}
}
