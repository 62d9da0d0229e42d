package compare

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"

	"cometbench/results"
	"cometbench/results/paired"
)

//go:embed page.tmpl
var pageText string

// WritePage writes the verdict as one HTML file that needs nothing besides
// itself, with a figure of each cell. Nothing is written where nothing could be
// measured: half a report would look like a whole one.
func (v *Verdict) WritePage(w io.Writer) error {
	if !v.measured() && v.Outcome != Identical {
		return nil
	}
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	page := struct {
		Headline       string
		Worst          string
		Reasons, Notes []string
		Head           []string
		Lines          [][]string
		Drawings       []drawing
		Config         []results.ConfigLine
	}{Headline: v.headline(), Reasons: v.Reasons, Config: v.Config}
	if v.measured() {
		table := v.table()
		page.Head, page.Lines, page.Notes, page.Worst = table[0], table[1:], v.notes(), v.worstRow()
	}
	for _, cell := range v.worstFirst() {
		if rows := v.Rows.Of(cell); len(rows) > 0 {
			page.Drawings = append(page.Drawings, draw(cell, rows))
		}
	}
	return t.Execute(w, page)
}

// drawing is the figure of a cell: a strip for each witness, and below it one
// of the rounds of equals. The slowdown runs from left to right.
type drawing struct {
	Cell, Describe string
	Width, Height  float64
	Strips         []strip
	Ticks          []tick
	Bottom         float64 // of the strips
	Zero           float64 // where there is no slowdown
}

type strip struct {
	Label  string
	Y      float64 // of its middle
	Equals bool
	Dots   []dot
	// The interval, where there is one, and where the effect begins.
	HasInterval         bool
	Lo, Center, Hi      float64
	Effect, EffectWidth float64
}

type dot struct {
	X, Y  float64
	Title string
}

type tick struct {
	X    float64
	Text string
}

// Sizes of a drawing.
const (
	drawingWidth = 800.0
	marginLeft   = 130.0
	marginRight  = 40.0
	stripHeight  = 44.0
	dotSpread    = 26.0 // the dots of a strip lie in the order of their rounds
)

func draw(cell string, rows paired.Rows) drawing {
	reach := scale(rows)
	x := func(f float64) float64 {
		f = max(-reach, min(reach, f))
		return marginLeft + (f+reach)/(2*reach)*(drawingWidth-marginLeft-marginRight)
	}
	d := drawing{Cell: cell, Describe: cell + ": " + describe(rows), Width: drawingWidth, Zero: x(0)}
	for _, r := range rows {
		for _, equals := range []bool{false, true} {
			s := strip{Label: string(r.Witness), Y: (float64(len(d.Strips)) + 0.5) * stripHeight, Equals: equals}
			values := slowdowns(r.Values)
			if equals {
				s.Label, values = "old with itself", slowdowns(r.Equals)
			}
			for i, f := range values {
				height := (float64(i)+0.5)/float64(len(values)) - 0.5
				s.Dots = append(s.Dots, dot{x(f), s.Y + dotSpread*height,
					fmt.Sprintf("round %d: %s %%", i+1, signed(f))})
			}
			if !equals {
				s.Effect, s.EffectWidth = x(r.Effect), x(reach)-x(r.Effect)
				s.HasInterval = r.Interval.Known()
				s.Lo, s.Center, s.Hi = x(r.Interval.Lo), x(r.Interval.Center), x(r.Interval.Hi)
			}
			d.Strips = append(d.Strips, s)
		}
	}
	d.Bottom = float64(len(d.Strips)) * stripHeight
	d.Height = d.Bottom + 40
	for _, share := range []float64{-1, -0.5, 0, 0.5, 1} {
		d.Ticks = append(d.Ticks, tick{x(share * reach), signed(share*reach) + " %"})
	}
	return d
}

// scale returns the slowdown at the right end of a drawing, a round number that
// lets all of it be seen.
func scale(rows paired.Rows) float64 {
	most := 0.0
	for _, r := range rows {
		for _, f := range append(slowdowns(r.Values), slowdowns(r.Equals)...) {
			most = max(most, math.Abs(f))
		}
		most = max(most, 1.2*r.Effect)
		if r.Interval.Known() {
			most = max(most, math.Abs(r.Interval.Lo), math.Abs(r.Interval.Hi))
		}
	}
	unit := math.Pow(10, math.Floor(math.Log10(most)))
	for _, step := range []float64{1, 2, 4, 6, 8} {
		if step*unit >= most {
			return step * unit
		}
	}
	return 10 * unit
}
