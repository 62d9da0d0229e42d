package figure

import (
	"fmt"
	"image/color"
	"math"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The colours that don't carry data.
var (
	white = color.RGBA{255, 255, 255, 255}
	ink   = color.RGBA{34, 34, 34, 255}    // text
	muted = color.RGBA{89, 89, 89, 255}    // captions and axes
	grid  = color.RGBA{228, 228, 228, 255} // lines to read values by
	pale  = color.RGBA{176, 176, 176, 255} // the ghost
)

// ramp is the order of colours from dark to light: violet, magenta, orange.
// Red-green colour-blind people see it go from blue to yellow, a grey printer
// from dark to light, and each has a contrast of 3:1 with white paper.
func ramp() []color.RGBA {
	return []color.RGBA{
		{0x14, 0x0b, 0x6b, 255},
		{0x5b, 0x12, 0xa0, 255},
		{0x9a, 0x1f, 0x94, 255},
		{0xcb, 0x38, 0x70, 255},
		{0xe2, 0x5f, 0x35, 255},
		{0xcf, 0x8b, 0x00, 255},
	}
}

// shade returns the colour of line i of n.
func shade(i, n int) color.RGBA {
	stops := ramp()
	if n == 1 {
		return color.RGBA{0x00, 0x72, 0xb2, 255} // the blue of Okabe and Ito
	}
	at := float64(i) / float64(n-1) * float64(len(stops)-1)
	j := min(int(at), len(stops)-2)
	a, b, part := stops[j], stops[j+1], at-float64(j)
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (float64(b)-float64(a))*part)) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

// marker is the shape of a line's points: a polygon, or a circle where corners
// is 0, or strokes through the middle where cross is set.
type marker struct {
	corners int
	turn    float64 // radians from the right
	cross   bool
	hollow  bool
	size    float64 // of its radius, relative to a circle's
}

// markers are told apart at 2 mm. Neighbours differ in shape and in filling.
func markers() []marker {
	return []marker{
		{size: 1},
		{corners: 4, turn: math.Pi / 4, hollow: true, size: 1.2},
		{corners: 3, turn: math.Pi / 2, size: 1.35},
		{corners: 4, hollow: true, size: 1.35},
		{corners: 4, turn: math.Pi / 4, size: 1.2},
		{hollow: true, size: 1},
		{corners: 3, turn: -math.Pi / 2, size: 1.35},
		{corners: 3, turn: math.Pi / 2, hollow: true, size: 1.35},
		{corners: 4, size: 1.35},
		{cross: true, corners: 4, turn: math.Pi / 4, size: 1.3},
		{corners: 3, turn: -math.Pi / 2, hollow: true, size: 1.35},
		{cross: true, corners: 4, size: 1.4},
	}
}

// draw draws the marker at pt with a circle's radius r.
func (m marker) draw(c *draw.Canvas, pt vg.Point, r vg.Length, col color.Color) {
	r *= vg.Length(m.size)
	at := func(i int) vg.Point {
		sin, cos := math.Sincos(m.turn + 2*math.Pi*float64(i)/float64(m.corners))
		return vg.Point{X: pt.X + r*vg.Length(cos), Y: pt.Y + r*vg.Length(sin)}
	}
	c.SetLineStyle(draw.LineStyle{Color: col, Width: max(0.8, r*0.34)})
	var path vg.Path
	switch {
	case m.cross:
		for i := range m.corners / 2 {
			path.Move(at(i))
			path.Line(at(i + m.corners/2))
		}
		c.Stroke(path)
		return
	case m.corners == 0:
		path = circle(pt, r)
	default:
		path.Move(at(0))
		for i := 1; i < m.corners; i++ {
			path.Line(at(i))
		}
	}
	path.Close()
	if m.hollow {
		c.SetColor(white)
		c.Fill(path)
		c.SetColor(col)
		c.Stroke(path)
		return
	}
	c.SetColor(col)
	c.Fill(path)
}

// typeface is the typeface of all text. Its metrics are Arial's.
const typeface = "LiberationSans"

// typefaces returns what lays text out.
func typefaces() (text.Handler, error) {
	var faces font.Collection
	for weight, ttf := range map[xfont.Weight][]byte{xfont.WeightNormal: liberationsansregular.TTF,
		xfont.WeightBold: liberationsansbold.TTF} {
		face, err := opentype.Parse(ttf)
		if err != nil {
			return nil, fmt.Errorf("parse typeface: %w", err)
		}
		faces = append(faces, font.Face{Font: font.Font{Typeface: typeface, Weight: weight}, Face: face})
	}
	return text.Plain{Fonts: font.NewCache(faces)}, nil
}

// circle returns the path of a circle, as four curves: not every format draws
// closed arcs alike.
func circle(pt vg.Point, r vg.Length) vg.Path {
	const k = 0.5522847498 // the usual length of a quarter's handles
	at := func(x, y vg.Length) vg.Point { return vg.Point{X: pt.X + x*r, Y: pt.Y + y*r} }
	var p vg.Path
	p.Move(at(1, 0))
	p.CubeTo(at(1, k), at(k, 1), at(0, 1))
	p.CubeTo(at(-k, 1), at(-1, k), at(-1, 0))
	p.CubeTo(at(-1, -k), at(-k, -1), at(0, -1))
	p.CubeTo(at(k, -1), at(1, -k), at(1, 0))
	return p
}

// style returns a style of text.
func (s *sheet) style(size vg.Length, weight xfont.Weight, col color.Color) text.Style {
	return text.Style{
		Color:   col,
		Font:    font.Font{Typeface: typeface, Weight: weight, Size: size},
		Handler: s.text,
	}
}

// aligned returns s with other alignments.
func aligned(s text.Style, x text.XAlignment, y text.YAlignment) text.Style {
	s.XAlign, s.YAlign = x, y
	return s
}
