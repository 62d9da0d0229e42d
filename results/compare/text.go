package compare

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"
)

// WriteText writes the verdict for a terminal: benchstat's table, and below it
// the outcome with its reasons. There is no table where a broker couldn't be
// run: what little ran of it would look like a result.
func (v *Verdict) WriteText(w io.Writer) error {
	var b strings.Builder
	if len(v.Broken) == 0 {
		v.table(&b)
		for _, line := range v.notes() {
			b.WriteString(line + "\n")
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%s\n", v.headline())
	for _, reason := range v.Reasons {
		fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(reason, "\n", "\n    "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (v *Verdict) headline() string {
	old, new := v.labels()
	switch v.Outcome {
	case Regression:
		return fmt.Sprintf("REGRESSION of %s against %s:", new, old)
	case NoRegression:
		return fmt.Sprintf("No regression of %s against %s.", new, old)
	}
	return fmt.Sprintf("Could not tell whether %s is slower than %s:", new, old)
}

// notes returns what a reader of the table must know as well.
func (v *Verdict) notes() []string {
	var lines []string
	if text := v.Detects(); text != "" {
		lines = append(lines, text)
	}
	for _, l := range v.Losses {
		if l.Finding == Same {
			lines = append(lines, l.String())
		}
	}
	if !v.Drift.Found {
		lines = append(lines, v.Drift.String())
	}
	return lines
}

// units returns the units of the rows, in their order.
func (v *Verdict) units() []string {
	var units []string
	seen := make(map[string]bool)
	for _, r := range v.Rows {
		if !seen[r.Unit] {
			seen[r.Unit] = true
			units = append(units, r.Unit)
		}
	}
	return units
}

// table writes the rows as benchstat does, a block for each unit.
func (v *Verdict) table(b *strings.Builder) {
	for _, c := range v.Config {
		fmt.Fprintf(b, "%s: %s\n", c.Key, c.Value)
	}
	old, new := v.labels()
	for _, unit := range v.units() {
		lines := [][]string{
			{"", old, new, "", ""},
			{"", unit, unit, "vs old", ""},
		}
		for _, r := range v.Rows {
			if r.Unit == unit {
				lines = append(lines, r.columns())
			}
		}
		b.WriteString("\n")
		align(b, lines)
	}
	b.WriteString("\n")
}

// columns are the row's texts: cell, old, new, change, and the finding.
func (r Row) columns() []string {
	return []string{r.Cell, r.Old.format(r.Unit), r.New.format(r.Unit), r.change(), r.mark()}
}

// format writes a side's median and spread as benchstat does: "1.02k ± 3%".
func (c Center) format(unit string) string {
	if c.Runs == 0 {
		return "none"
	}
	s := benchmath.Summary{Center: float64(c.Median), Lo: float64(c.Lo), Hi: float64(c.Hi)}
	return benchunit.Scale(s.Center, benchunit.ClassOf(unit)) + " ± " + s.PctRangeString()
}

// change writes the change as benchstat does: "-13.57% (p=0.000 n=10)".
func (r Row) change() string {
	if r.Old.Runs == 0 || r.New.Runs == 0 {
		return "?"
	}
	c := benchmath.Comparison{P: r.P, N1: r.Old.Runs, N2: r.New.Runs, Alpha: benchmath.DefaultThresholds.CompareAlpha}
	return c.FormatDelta(float64(r.Old.Median), float64(r.New.Median)) + " (" + c.String() + ")"
}

func (r Row) mark() string {
	if r.Finding == Same {
		return ""
	}
	return string(r.Finding)
}

// align writes lines of columns, the first to the left and the others to the
// right.
func align(b *strings.Builder, lines [][]string) {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, text := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	for _, line := range lines {
		var out strings.Builder
		for i, text := range line {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			switch i {
			case 0:
				out.WriteString(text + space)
			case len(line) - 1:
				out.WriteString("  " + text)
			default:
				out.WriteString("  " + space + text)
			}
		}
		b.WriteString(strings.TrimRight(out.String(), " ") + "\n")
	}
}

// labels returns how the two brokers are called in tables.
func (v *Verdict) labels() (old, new string) {
	clean := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	old, new = clean(v.Old.Name), clean(v.New.Name)
	if old == new {
		old, new = old+" (old)", new+" (new)"
	}
	return old, new
}
