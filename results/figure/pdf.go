package figure

import (
	"errors"
	"image"
	"image/color"
	"io"
	"math"
	"time"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"codeberg.org/go-pdf/fpdf"
	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// pdfCanvas draws a PDF page with its fonts embedded, as far as they are used.
// (gonum's own takes text as if it were of one byte a letter, and draws bold
// text with the regular face.)
type pdfCanvas struct {
	doc           *fpdf.Fpdf
	width, height vg.Length
	state         pdfState
	stack         []pdfState
	err           error
}

// pdfState is the state that Push saves.
type pdfState struct {
	turn   float64 // radians, counterclockwise about the lower left corner
	color  color.Color
	width  vg.Length
	dashes []vg.Length
	offset vg.Length
}

func newPDF(width, height vg.Length) *pdfCanvas {
	c := &pdfCanvas{width: width, height: height, doc: fpdf.NewCustom(&fpdf.InitType{
		UnitStr: "pt", Size: fpdf.SizeType{Wd: width.Points(), Ht: height.Points()},
	})}
	undated := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	c.doc.SetCreationDate(undated)
	c.doc.SetModificationDate(undated)
	c.doc.SetCatalogSort(true)
	c.doc.SetAutoPageBreak(false, 0)
	c.doc.AddUTF8FontFromBytes(typeface, "", liberationsansregular.TTF)
	c.doc.AddUTF8FontFromBytes(typeface, "B", liberationsansbold.TTF)
	c.doc.AddPage()
	vg.Initialize(c)
	return c
}

// Size implements [vg.CanvasSizer].
func (c *pdfCanvas) Size() (x, y vg.Length) { return c.width, c.height }

// point returns where pt is on a page whose origin is its upper left corner.
func (c *pdfCanvas) point(pt vg.Point) (x, y float64) {
	sin, cos := math.Sincos(c.state.turn)
	px, py := pt.X.Points(), pt.Y.Points()
	return px*cos - py*sin, c.height.Points() - (px*sin + py*cos)
}

// SetLineWidth implements [vg.Canvas].
func (c *pdfCanvas) SetLineWidth(w vg.Length) {
	c.state.width = w
	c.doc.SetLineWidth(w.Points())
}

// SetLineDash implements [vg.Canvas].
func (c *pdfCanvas) SetLineDash(pattern []vg.Length, offset vg.Length) {
	c.state.dashes, c.state.offset = pattern, offset
	lengths := make([]float64, len(pattern))
	for i, l := range pattern {
		lengths[i] = l.Points()
	}
	c.doc.SetDashPattern(lengths, offset.Points())
}

// SetColor implements [vg.Canvas]. Figures have no translucent colour.
func (c *pdfCanvas) SetColor(col color.Color) {
	if col == nil {
		col = color.Black
	}
	c.state.color = col
	r, g, b, _ := col.RGBA()
	c.doc.SetFillColor(int(r>>8), int(g>>8), int(b>>8))
	c.doc.SetDrawColor(int(r>>8), int(g>>8), int(b>>8))
	c.doc.SetTextColor(int(r>>8), int(g>>8), int(b>>8))
}

// Rotate implements [vg.Canvas].
func (c *pdfCanvas) Rotate(radians float64) { c.state.turn += radians }

// Translate and Scale implement [vg.Canvas]; figures don't use them.
func (c *pdfCanvas) Translate(vg.Point)     { c.refuse("moved") }
func (c *pdfCanvas) Scale(float64, float64) { c.refuse("scaled") }

// DrawImage implements [vg.Canvas]; figures have no images.
func (c *pdfCanvas) DrawImage(vg.Rectangle, image.Image) { c.refuse("an image") }

func (c *pdfCanvas) refuse(what string) {
	c.err = errors.Join(c.err, errors.New("PDF: can't draw what is "+what))
}

// Push implements [vg.Canvas].
func (c *pdfCanvas) Push() { c.stack = append(c.stack, c.state) }

// Pop implements [vg.Canvas].
func (c *pdfCanvas) Pop() {
	last := c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
	c.SetLineWidth(last.width)
	c.SetLineDash(last.dashes, last.offset)
	c.SetColor(last.color)
	c.state = last
}

// Stroke implements [vg.Canvas].
func (c *pdfCanvas) Stroke(p vg.Path) {
	if c.state.width > 0 {
		c.path(p, "D")
	}
}

// Fill implements [vg.Canvas].
func (c *pdfCanvas) Fill(p vg.Path) { c.path(p, "F") }

func (c *pdfCanvas) path(p vg.Path, style string) {
	for _, part := range p {
		x, y := c.point(part.Pos)
		switch {
		case part.Type == vg.MoveComp:
			c.doc.MoveTo(x, y)
		case part.Type == vg.LineComp:
			c.doc.LineTo(x, y)
		case part.Type == vg.CurveComp && len(part.Control) == 2:
			ax, ay := c.point(part.Control[0])
			bx, by := c.point(part.Control[1])
			c.doc.CurveBezierCubicTo(ax, ay, bx, by, x, y)
		case part.Type == vg.CloseComp:
			c.doc.ClosePath()
		default:
			c.refuse("an arc")
		}
	}
	c.doc.DrawPath(style)
}

// FillString implements [vg.Canvas].
func (c *pdfCanvas) FillString(f font.Face, pt vg.Point, text string) {
	style := ""
	if f.Font.Weight == xfont.WeightBold {
		style = "B"
	}
	c.doc.SetFont(typeface, style, f.Font.Size.Points())
	x, y := c.point(pt)
	if c.state.turn == 0 {
		c.doc.Text(x, y, text)
		return
	}
	c.doc.TransformBegin()
	c.doc.TransformRotate(c.state.turn*180/math.Pi, x, y)
	c.doc.Text(x, y, text)
	c.doc.TransformEnd()
}

// WriteTo implements [vg.CanvasWriterTo].
func (c *pdfCanvas) WriteTo(w io.Writer) (int64, error) {
	if c.err != nil {
		return 0, c.err
	}
	counted := &counter{w: w}
	err := c.doc.Output(counted)
	return counted.n, err
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
