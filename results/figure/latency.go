package figure

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cometbench/results"
	"cometbench/results/stat"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Percentiles is a figure of latencies: how long (on a logarithmic axis) the
// slowest events took, one in two, in ten, in a hundred and so on (the usual
// logarithmic axis of 1/(1-p)), with one line for each cell.
type Percentiles struct {
	// Title is written above the figure; "" means one that names what is shown.
	Title string
	// What says whose latency it is, in words: "to the ack".
	What string
	// Lines are the cells, in their order.
	Lines []PercentileLine
}

// PercentileLine is the latency of one cell.
type PercentileLine struct {
	Name string
	results.CellLatency
}

// maxPercentileLines bounds the cells of one figure: with more, no line can be
// followed.
const maxPercentileLines = 24

// steps is how many points a line has for each factor of ten.
const steps = 24

// points returns a line's points: one in x events took y seconds or longer.
func (l PercentileLine) points() (xs, ys []float64) {
	n := float64(l.Histogram.TotalCount())
	for i := 0; ; i++ {
		x := math.Pow(10, float64(i)/steps)
		if x >= n*(1-1e-9) {
			return append(xs, n), append(ys, l.seconds(100))
		}
		xs, ys = append(xs, x), append(ys, l.seconds(100*(1-1/x)))
	}
}

// seconds returns a percentile; no time is below the clock's resolution.
func (l PercentileLine) seconds(percent float64) float64 {
	ns := max(l.Histogram.ValueAtPercentile(percent), int64(l.Resolution), 1)
	return time.Duration(ns).Seconds()
}

func (p *Percentiles) validate() error {
	if len(p.Lines) == 0 {
		return fmt.Errorf("%w of a latency: want a tree of runs that were made since there are journeys", ErrEmpty)
	}
	if n := len(p.Lines); n > maxPercentileLines {
		return fmt.Errorf("%d cells: one figure of percentiles holds at most %d; plot a part of the tree, such as "+
			"a broker's folder", n, maxPercentileLines)
	}
	return nil
}

func (p *Percentiles) title() string {
	return cmp.Or(p.Title, "Latency "+p.What)
}

// Describe returns, in words, what the figure shows.
func (p *Percentiles) Describe() string {
	texts := make([]string, len(p.Lines))
	for i, l := range p.Lines {
		texts[i] = fmt.Sprintf("%s: median %s, 99 %% within %s, longest %s", l.Name, stat.FormatSeconds(l.seconds(50)),
			stat.FormatSeconds(l.seconds(99)), stat.FormatSeconds(l.seconds(100)))
	}
	return p.title() + ", percentiles. " + strings.Join(texts, "; ") + "."
}

// Write writes the figure in a format of [Formats].
func (p *Percentiles) Write(w io.Writer, format string) error { return write(w, format, p) }

// WriteFile writes the figure to a file in the format of its ending, whole or not
// at all.
func (p *Percentiles) WriteFile(name string) error { return writeFile(name, p) }

func (p *Percentiles) picture() (*picture, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	s, err := p.lay()
	if err != nil {
		return nil, err
	}
	return &picture{s, p.title(), p.Describe(), func(c draw.Canvas) { p.draw(s, c) }}, nil
}

// lay computes the layout: that of a figure with one panel.
func (p *Percentiles) lay() (*sheet, error) {
	handler, err := typefaces()
	if err != nil {
		return nil, err
	}
	s := &sheet{text: handler, panels: make([]panel, 1)}
	s.size()
	s.tick.XAlign, s.tick.YAlign = text.XCenter, text.YTop
	lo, hi, most := math.Inf(1), 0.0, 1.0
	for _, l := range p.Lines {
		xs, ys := l.points()
		lo, hi, most = min(lo, slices.Min(ys)), max(hi, slices.Max(ys)), max(most, xs[len(xs)-1])
	}
	s.lo, s.hi = 1, max(most, 10)
	s.limits = []float64{math.Pow(10, math.Floor(math.Log10(lo))), math.Pow(10, math.Ceil(math.Log10(hi)))}
	if s.limits[0] == s.limits[1] {
		s.limits[1] *= 10
	}
	var wide vg.Length
	for _, v := range decades(s.limits[0], s.limits[1]) {
		wide = max(wide, s.tick.Width(stat.FormatSeconds(v)))
	}
	s.left = margin + s.label.Height("y") + 8 + wide + 4
	_, names := s.percentTicks()
	s.dataW = s.width - s.left - margin - s.tick.Width(names[len(names)-1])/2
	inner := s.width - 2*margin
	var items []legendItem
	for i, l := range p.Lines {
		name := elide(s.legendStyle(), l.Name, inner/2)
		items = append(items, legendItem{name: name, glyph: s.lineGlyph(p.look(s, i))})
	}
	s.legend = s.wrapItems(items, inner, s.legendStyle())
	s.caption = wrap(s.note, p.caption(), inner)
	s.heading = wrap(s.title, p.title(), inner)
	s.panelTop = margin + s.headingHeight() + vg.Length(len(s.legend))*s.legendHeight() + 8
	s.height = s.panelTop + s.dataH + 6 + s.tick.Height("0") + 4 + s.label.Height("x") + 8 +
		vg.Length(len(s.caption))*s.note.Height("x")*1.2 + margin - 2
	return s, nil
}

func (p *Percentiles) look(s *sheet, i int) look {
	return look{shade(i, len(p.Lines)), s.marker(i), s.radius * 0.8, s.stroke}
}

// caption explains what can't be seen.
func (p *Percentiles) caption() string {
	text := "All runs of a cell together. A mark is the median, the 90th, 99th, 99.9th percentile and so on; the " +
		"line ends at the slowest event. Events that were lost aren't in it."
	missing, resolution := 0, time.Duration(0)
	for _, l := range p.Lines {
		missing += l.Missing
		resolution = max(resolution, l.Resolution)
	}
	if missing > 0 {
		text += fmt.Sprintf(" %s events are missing at the subscriber.", stat.FormatCount(float64(missing)))
	}
	if resolution >= time.Millisecond {
		text += fmt.Sprintf(" A clock's times are multiples of %v: what is less is drawn there.", resolution)
	}
	return text
}

// decades returns the powers of ten from lo to hi.
func decades(lo, hi float64) []float64 {
	var list []float64
	for e := math.Ceil(math.Log10(lo) - 1e-9); e <= math.Log10(hi)+1e-9; e++ {
		list = append(list, math.Pow(10, e))
	}
	return list
}

// percentTicks returns the places at which lines have their marks, and their names.
func (s *sheet) percentTicks() (places []float64, names []string) {
	places, names = []float64{2}, []string{"50 %"}
	for _, x := range decades(10, s.hi) {
		percent := 100 * (1 - 1/x)
		decimals := max(0, int(math.Round(math.Log10(x)))-2)
		places = append(places, x)
		names = append(names, strconv.FormatFloat(percent, 'f', decimals, 64)+" %")
	}
	return places, names
}

func (p *Percentiles) draw(s *sheet, c draw.Canvas) {
	s.drawHead(c)
	y := c.Max.Y - s.panelTop
	data := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
		Min: vg.Point{X: s.left, Y: y - s.dataH}, Max: vg.Point{X: s.left + s.dataW, Y: y},
	}}
	places, names := s.percentTicks()
	values := decades(s.limits[0], s.limits[1])

	pl := plot.New()
	pl.HideAxes()
	pl.BackgroundColor = nil
	pl.X.Padding, pl.Y.Padding = 0, 0
	pl.X.Scale, pl.X.Min, pl.X.Max = log2{}, s.lo, s.hi
	pl.Y.Scale, pl.Y.Min, pl.Y.Max = log2{}, s.limits[0], s.limits[1]
	pl.Add(grids{values, places})
	for i := range slices.Backward(p.Lines) {
		pl.Add(percentiles{p.Lines[i], places, p.look(s, i), func(at vg.Point, text string) {
			s.tips = append(s.tips, tip{at, text})
		}})
	}
	pl.Draw(data)

	tx, ty := pl.Transforms(&data)
	right := aligned(s.tick, text.XRight, text.YCenter)
	for _, v := range values {
		c.FillText(right, vg.Point{X: data.Min.X - 4, Y: ty(v)}, stat.FormatSeconds(v))
	}
	at, widths := make([]vg.Length, len(places)), make([]vg.Length, len(places))
	for i, x := range places {
		at[i], widths[i] = tx(x), s.tick.Width(names[i])
	}
	for i, keep := range thin(at, widths, 3) {
		if keep {
			c.FillText(s.tick, vg.Point{X: at[i], Y: data.Min.Y - 5}, names[i])
		}
	}
	y = data.Min.Y - 6 - s.tick.Height("0") - 4
	c.FillText(s.label, vg.Point{X: (data.Min.X + data.Max.X) / 2, Y: y},
		"Percentile of events (logarithmic in 1/(1-p))")
	turned := s.label
	turned.Rotation = math.Pi / 2
	c.FillText(turned, vg.Point{X: margin, Y: (data.Min.Y + data.Max.Y) / 2}, "Latency (logarithmic)")
	y -= s.label.Height("x") + 8
	for _, l := range s.caption {
		c.FillText(s.note, vg.Point{X: margin, Y: y}, l)
		y -= s.note.Height("x") * 1.2
	}
}

// percentiles draws a line of percentiles, with marks at places.
type percentiles struct {
	line   PercentileLine
	places []float64
	look   look
	tip    func(vg.Point, string)
}

// Plot implements [plot.Plotter].
func (p percentiles) Plot(c draw.Canvas, pl *plot.Plot) {
	tx, ty := pl.Transforms(&c)
	xs, ys := p.line.points()
	pts := make([]vg.Point, len(xs))
	for i := range xs {
		pts[i] = vg.Point{X: tx(xs[i]), Y: ty(ys[i])}
	}
	c.StrokeLines(draw.LineStyle{Color: p.look.color, Width: p.look.width}, pts)
	for _, x := range p.places {
		if x >= xs[len(xs)-1] {
			break
		}
		percent := 100 * (1 - 1/x)
		v := p.line.seconds(percent)
		at := vg.Point{X: tx(x), Y: ty(v)}
		p.look.marker.draw(&c, at, p.look.radius, p.look.color)
		p.tip(at, fmt.Sprintf("%s: %.6g %% within %s", p.line.Name, percent, stat.FormatSeconds(v)))
	}
}
