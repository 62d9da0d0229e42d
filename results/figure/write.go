package figure

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cometbench/results/stat"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// dpi is the resolution of PNG files, in dots an inch.
const dpi = 192

// Formats are the formats that figures are written in, by file ending.
func Formats() []string { return []string{".svg", ".png", ".pdf"} }

// FormatOf returns the format that a file's name asks for.
func FormatOf(name string) (string, error) {
	ext := strings.ToLower(filepath.Ext(name))
	if !slices.Contains(Formats(), ext) {
		return "", fmt.Errorf("%s: unknown ending %q: want %s", name, ext, strings.Join(Formats(), ", "))
	}
	return ext, nil
}

// Write writes the figure in a format of [Formats].
func (f *Figure) Write(w io.Writer, format string) error { return write(w, format, f) }

// WriteFile writes the figure to a file in the format of its ending. The file
// is there whole or as it was before.
func (f *Figure) WriteFile(name string) error { return writeFile(name, f) }

// drawing is what can be laid out as a picture.
type drawing interface {
	picture() (*picture, error)
}

func write(w io.Writer, format string, d drawing) error {
	p, err := d.picture()
	if err != nil {
		return err
	}
	b, err := p.render(format)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func writeFile(name string, d drawing) error {
	format, err := FormatOf(name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := write(&b, format, d); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return WriteWhole(name, b.Bytes())
}

// WriteWhole writes a file beside its place and renames it, so that nobody
// sees half of it and a full disk leaves what was there.
func WriteWhole(name string, b []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("%s: can't write beside it: %w", name, err)
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
			err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}

func (f *Figure) picture() (*picture, error) {
	if err := f.validate(); err != nil {
		return nil, err
	}
	s, err := lay(f)
	if err != nil {
		return nil, err
	}
	return &picture{s, f.title(), f.Describe(), s.draw}, nil
}

// picture is a figure that was laid out.
type picture struct {
	*sheet
	title, describe string
	draw            func(draw.Canvas)
}

// render draws the picture in one of the formats.
func (p *picture) render(format string) ([]byte, error) {
	var c vg.CanvasWriterTo
	switch format {
	case ".svg":
		svg := &svgCanvas{Canvas: vgsvg.New(p.width, p.height)}
		p.draw(draw.New(svg))
		var b bytes.Buffer
		if _, err := svg.WriteTo(&b); err != nil {
			return nil, fmt.Errorf("draw %s: %w", format, err)
		}
		return p.finishSVG(b.Bytes(), svg.widths), nil
	case ".png":
		c = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(p.width, p.height), vgimg.UseDPI(dpi))}
	case ".pdf":
		c = newPDF(p.width, p.height)
	default:
		return nil, fmt.Errorf("format %q: want %s", format, strings.Join(Formats(), ", "))
	}
	p.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("draw %s: %w", format, err)
	}
	return b.Bytes(), nil
}

// Describe returns, in words, what the figure shows.
func (f *Figure) Describe() string {
	var names []string
	var top Point
	for _, p := range f.panels() {
		if p.broker != "" {
			names = append(names, p.broker)
		}
	}
	for _, p := range f.Points {
		if p.Mean > top.Mean {
			top = p
		}
	}
	s := f.title() + ", " + f.Role.String() + "'s events per second"
	if len(names) > 0 {
		s += ", of " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s. Fastest: %s events/s at %s.", s, stat.FormatRate(top.Mean), top)
}
