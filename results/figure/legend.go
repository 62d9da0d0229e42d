package figure

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"cometbench/results"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The legend has rows of its own between the title and the panels, so that it
// never covers data.

// legendItem is a glyph and its name; without a glyph it is a heading.
type legendItem struct {
	name  string
	width vg.Length // with the glyph, and with the space behind
	glyph func(c *draw.Canvas, mid vg.Point, half vg.Length)
}

type legendRow []legendItem

const (
	glyphHalf  vg.Length = 10 // half of a glyph's width
	glyphSpace vg.Length = 4  // between a glyph and its name
	itemSpace  vg.Length = 12 // between two items
)

func (s *sheet) legendStyle() text.Style {
	return aligned(s.style(8.5, xfont.WeightNormal, ink), text.XLeft, text.YCenter)
}

func (s *sheet) legendHeight() vg.Length { return s.legendStyle().Height("x") + 4 }

// layLegend returns the legend's rows, none wider than width.
func (s *sheet) layLegend(width vg.Length) []legendRow {
	style := s.legendStyle()
	rows := s.wrapItems(s.keyItems(), width, style)
	return append(rows, s.wrapItems(s.kindItems(), width, style)...)
}

// wrapItems breaks items into rows.
func (s *sheet) wrapItems(items []legendItem, width vg.Length, style text.Style) []legendRow {
	var rows []legendRow
	var used vg.Length
	for _, it := range items {
		it.width = style.Width(it.name) + itemSpace
		if it.glyph != nil {
			it.width += 2*glyphHalf + glyphSpace
		}
		if len(rows) == 0 || used+it.width-itemSpace > width {
			rows, used = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], it)
		used += it.width
	}
	return rows
}

// keyItems returns the items that name the lines of a panel.
func (s *sheet) keyItems() []legendItem {
	heading := "One-way latency:"
	if s.fig.Axis != Connections {
		heading = "Connections:"
	}
	items := []legendItem{{name: heading}}
	for _, key := range s.keys {
		items = append(items, legendItem{name: s.fig.Axis.name(key), glyph: s.lineGlyph(s.look(key))})
	}
	return items
}

// lineGlyph draws a piece of a line with one point.
func (s *sheet) lineGlyph(l look) func(*draw.Canvas, vg.Point, vg.Length) {
	l.radius, l.width = max(l.radius, 2.4), max(l.width, 1)
	return func(c *draw.Canvas, mid vg.Point, half vg.Length) {
		c.StrokeLine2(draw.LineStyle{Color: l.color, Width: l.width}, mid.X-half, mid.Y, mid.X+half, mid.Y)
		l.marker.draw(c, mid, l.radius, l.color)
	}
}

// kindItems returns the items that name the kinds of line that are drawn.
func (s *sheet) kindItems() []legendItem {
	bars := "mean, bars: slowest to fastest run"
	switch s.bars {
	case Std:
		bars = "mean, bars: one standard deviation"
	case Interval:
		bars = "mean of rounds, bars: where the truth lies"
	}
	items := []legendItem{{name: bars, glyph: func(c *draw.Canvas, mid vg.Point, half vg.Length) {
		l := look{muted, marker{size: 1}, 2.2, 1}
		style := draw.LineStyle{Color: muted, Width: 0.8}
		c.StrokeLine2(style, mid.X, mid.Y-4.5, mid.X, mid.Y+4.5)
		c.StrokeLine2(style, mid.X-2, mid.Y-4.5, mid.X+2, mid.Y-4.5)
		c.StrokeLine2(style, mid.X-2, mid.Y+4.5, mid.X+2, mid.Y+4.5)
		s.lineGlyph(l)(c, mid, half)
	}}}
	if len(s.fig.Service) > 0 {
		theory := func(c *draw.Canvas, mid vg.Point, half vg.Length) {
			style := s.dashed(muted)
			style.Width, style.Dashes = 1, []vg.Length{3, 2}
			c.StrokeLine2(style, mid.X-half, mid.Y, mid.X+half, mid.Y)
		}
		items = append(items, legendItem{"theory n / (2·L + t)", 0, theory})
	}
	if len(s.ghost) > 0 {
		name := s.fig.GhostName
		if name == "" {
			name = "other results"
		}
		items = append(items, legendItem{name, 0, s.lineGlyph(look{pale, marker{size: 1}, 2, 1})})
	}
	if s.any(func(p Point) bool { return p.Bottleneck.Doubtful() }) {
		items = append(items, legendItem{"limited by the author or the machine", 0,
			func(c *draw.Canvas, mid vg.Point, half vg.Length) {
				square(c, mid, 4)
			}})
	}
	if s.any(func(p Point) bool { return p.Missing != 0 }) {
		items = append(items, legendItem{"events missing or not of the run", 0,
			func(c *draw.Canvas, mid vg.Point, half vg.Length) {
				ring(c, mid, 4)
			}})
	}
	return items
}

// any reports whether a point of the figure is one of those.
func (s *sheet) any(those func(Point) bool) bool { return slices.ContainsFunc(s.fig.Points, those) }

// drawLegend draws the legend's rows downwards from y.
func (s *sheet) drawLegend(c draw.Canvas, y vg.Length) {
	style := s.legendStyle()
	for _, row := range s.legend {
		mid := y - s.legendHeight()/2
		x := margin
		for _, it := range row {
			name := x
			if it.glyph != nil {
				it.glyph(&c, vg.Point{X: x + glyphHalf, Y: mid}, glyphHalf)
				name += 2*glyphHalf + glyphSpace
			}
			c.FillText(style, vg.Point{X: name, Y: mid}, it.name)
			x += it.width
		}
		y -= s.legendHeight()
	}
}

// title returns the figure's title.
func (f *Figure) title() string {
	if f.Title != "" {
		return f.Title
	}
	switch {
	case f.Axis == Brokers && f.Partner != "":
		return cmp.Or(f.Quantity, "Events per second") + " beside those of " + f.Partner
	case f.Axis == Brokers:
		return "Throughput of each broker"
	case f.Axis == Latency:
		return "Throughput against one-way latency"
	}
	return "Throughput against simultaneous connections"
}

func (f *Figure) xLabel() string {
	switch f.Axis {
	case Latency:
		return "Added one-way latency (ms)"
	case Brokers:
		if begin := f.begin(); begin != "" {
			return "Broker (" + begin + "…)"
		}
		return "Broker"
	}
	return "Simultaneous connections (logarithmic)"
}

// begin returns what the names of all brokers begin with, up to a "-" or "@".
func (f *Figure) begin() string {
	order := f.order()
	begin := order[0][:strings.LastIndexAny(order[0], "-@")+1]
	for _, name := range order {
		for !strings.HasPrefix(name, begin) {
			begin = begin[:strings.LastIndexAny(begin[:len(begin)-1], "-@")+1]
		}
	}
	return begin
}

func (f *Figure) yLabel() string {
	if f.Partner != "" {
		return cmp.Or(f.Quantity, "Events per second") + ", % of " + f.Partner
	}
	return "Throughput, " + f.Role.String() + " (events/s)"
}

// captionText explains what can't be seen: how rates are defined, what the letters
// of the theory mean, and which axes are shared.
func (s *sheet) captionText() string {
	if s.fig.Partner != "" {
		return "Each broker was compared with " + s.fig.Partner + " in rounds of paired batches of events, with both " +
			"up side by side. The vertical axis doesn't begin at zero."
	}
	var b strings.Builder
	switch s.fig.Role {
	case results.RoleAuthor:
		b.WriteString("Author: events acked by the broker, over the time from the first connection attempt to the " +
			"last answer.")
	case results.RoleBroker:
		b.WriteString("Broker: events in the broker's database, over the time from its oldest to its newest entry.")
	default:
		b.WriteString("Subscriber: events in the subscriber's database, over the time from its oldest to its newest " +
			"entry.")
	}
	if len(s.fig.Service) > 0 {
		b.WriteString(" Theory, drawn up to the fastest mean: n connections, each with two round trips a " +
			"transaction, longer by the latency L, and t for the rest, fitted.")
	}
	for _, l := range s.limits {
		if l != s.limits[0] {
			b.WriteString(" Panels share the scale of their vertical axes, unless marked.")
			break
		}
	}
	return b.String()
}

// wrap breaks text into lines of at most width.
func wrap(style text.Style, s string, width vg.Length) []string {
	var lines []string
	var line string
	for _, word := range strings.Fields(s) {
		longer := word
		if line != "" {
			longer = line + " " + word
		}
		if line != "" && style.Width(longer) > width {
			lines, longer = append(lines, line), word
		}
		line = longer
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// elide shortens s in its middle until it fits.
func elide(style text.Style, s string, width vg.Length) string {
	if style.Width(s) <= width {
		return s
	}
	r := []rune(s)
	for n := len(r) - 1; n > 1; n-- {
		short := string(r[:(n+1)/2]) + "…" + string(r[len(r)-n/2:])
		if style.Width(short) <= width {
			return short
		}
	}
	return "…"
}

// shortDuration writes a time in milliseconds, to three digits.
func shortDuration(d time.Duration) string {
	unit := time.Microsecond
	switch {
	case d >= 100*time.Millisecond:
		unit = time.Millisecond
	case d >= 10*time.Millisecond:
		unit = 100 * time.Microsecond
	case d >= time.Millisecond:
		unit = 10 * time.Microsecond
	}
	return milliseconds(d.Round(unit))
}
