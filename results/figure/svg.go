package figure

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// svgCanvas draws an SVG and records how wide each text is laid out.
type svgCanvas struct {
	*vgsvg.Canvas
	widths []vg.Length
}

// FillString implements [vg.Canvas].
func (c *svgCanvas) FillString(f font.Face, pt vg.Point, text string) {
	c.widths = append(c.widths, f.Width(text))
	c.Canvas.FillString(f, pt, text)
}

// families are what a viewer without Liberation Sans takes: Arial has the same
// metrics, and any other typeface is fitted into the width of the text.
const families = "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"

// tip is the text that a viewer shows while the mouse is over a point.
type tip struct {
	at   vg.Point
	text string
}

// finishSVG completes what vgsvg wrote. Text gets typefaces that every viewer
// has, and the width that it was laid out for; points get their tips, and
// readers of the text a title and a description.
func (p picture) finishSVG(b []byte, widths []vg.Length) []byte {
	text := strings.ReplaceAll(string(b), "font-family:Liberation Sans;", families)
	text = strings.ReplaceAll(text, "font-variant:none;", "font-variant:normal;")
	parts := strings.Split(text, "<text ")
	var out strings.Builder
	for i, part := range parts {
		if i > 0 {
			fmt.Fprintf(&out, `<text textLength="%.5g" lengthAdjust="spacingAndGlyphs" `, widths[i-1].Points())
		}
		out.WriteString(part)
	}
	head, rest, _ := strings.Cut(out.String(), "<svg ")
	attributes, rest, _ := strings.Cut(rest, ">")
	rest, tail, _ := strings.Cut(rest, "</svg>")
	var done bytes.Buffer
	fmt.Fprintf(&done, "%s<svg role=\"img\" aria-label=\"%s\" %s>\n<desc>%s</desc>%s",
		head, html.EscapeString(p.title), attributes, html.EscapeString(p.describe), rest)
	done.WriteString("<g style=\"fill:none;pointer-events:all\">\n")
	for _, t := range p.tips {
		fmt.Fprintf(&done, "<circle cx=\"%.5g\" cy=\"%.5g\" r=\"%.3g\"><title>%s</title></circle>\n",
			t.at.X.Points(), (p.height - t.at.Y).Points(), max(5, 2*p.radius.Points()), html.EscapeString(t.text))
	}
	fmt.Fprintf(&done, "</g>\n</svg>%s", tail)
	return done.Bytes()
}
