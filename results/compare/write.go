package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"

	"cometbench/results"
)

// WriteJSON writes the verdict for programs.
func (v *Verdict) WriteJSON(w io.Writer) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// WriteText writes the verdict for a terminal: benchstat's table, and below it
// the outcome with its reasons. There is no table where a broker couldn't be
// run: what little ran of it would look like a result.
func (v *Verdict) WriteText(w io.Writer) error {
	var b strings.Builder
	if len(v.Broken) == 0 {
		v.table(&b)
		for _, line := range v.remarks() {
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

// remarks are what a reader of the table must know besides.
func (v *Verdict) remarks() []string {
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

// columns are the row's texts: cell, old, new, change, and what the gate says.
func (r Row) columns() []string {
	return []string{r.Cell, r.center(r.old), r.center(r.new), r.delta(), r.mark()}
}

// center writes a side's median and spread as benchstat does: "1.02k ± 3%".
func (r Row) center(values []float64) string {
	if len(values) == 0 {
		return "none"
	}
	s := benchmath.AssumeNothing.Summary(sample(values), 0.95)
	return benchunit.Scale(s.Center, benchunit.ClassOf(r.Unit)) + " ± " + s.PctRangeString()
}

func (r Row) delta() string {
	if len(r.old) == 0 || len(r.new) == 0 {
		return "?"
	}
	c := benchmath.AssumeNothing.Compare(sample(r.old), sample(r.new))
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

// WriteMarkdown writes the verdict as a job's summary or a comment. What
// brokers and messages are called comes from outside, and stays text.
func (v *Verdict) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	sign := map[Outcome]string{NoRegression: "✅", Regression: "❌", Unknown: "❔"}[v.Outcome]
	fmt.Fprintf(&b, "### %s %s\n\n", sign, plain(v.headline()))
	for _, reason := range v.Reasons {
		fmt.Fprintf(&b, "- %s\n", plain(reason))
	}
	if len(v.Reasons) > 0 {
		b.WriteString("\n")
	}
	if len(v.Broken) == 0 {
		old, new := v.labels()
		for _, unit := range v.units() {
			fmt.Fprintf(&b, "| %s | %s | %s | change | |\n| --- | ---: | ---: | ---: | --- |\n", plain(unit), plain(old), plain(new))
			for _, r := range v.Rows {
				if r.Unit == unit {
					columns := r.columns()
					for i := range columns {
						columns[i] = plain(columns[i])
					}
					fmt.Fprintf(&b, "| %s |\n", strings.Join(columns, " | "))
				}
			}
			b.WriteString("\n")
		}
		for _, line := range v.remarks() {
			fmt.Fprintf(&b, "- %s\n", plain(line))
		}
		b.WriteString("\n")
	}
	b.WriteString("<details><summary>Configuration</summary>\n\n")
	for _, c := range v.Config {
		fmt.Fprintf(&b, "- %s: %s\n", plain(c.Key), plain(c.Value))
	}
	b.WriteString("\n</details>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

var markup = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`",
	"[", "\\[", "]", "\\]", "~", "\\~", "@", "@\u200b", "#", "\\#", "\n", " ", "\r", " ")

// plain takes the meaning from characters that Markdown gives one. (A mention
// would notify people.)
func plain(s string) string { return markup.Replace(s) }

// WriteBenchmark writes the runs of one side as the benchmark prints them. The
// broker isn't part of the names, so that benchstat compares two sides by
// their files. The configuration is that of all runs, since benchstat would
// put what differs in it into different tables.
func (in Input) WriteBenchmark(w io.Writer, s Side) error {
	if err := results.WriteUnits(w); err != nil {
		return err
	}
	if err := results.WriteConfig(w, in.Config()); err != nil {
		return err
	}
	for _, t := range in.Trials {
		if t.Side != s || t.Run == nil || t.Round == 0 {
			continue
		}
		line := strings.Replace(results.Record(t.Run), t.Run.Cell.String(), cellName(t.Cell), 1)
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// Config returns the configuration of all runs, and what was compared.
func (in Input) Config() []results.Config {
	var runs []*results.Run
	for _, t := range in.Trials {
		if t.Run != nil && t.Round > 0 && t.Side != Anchor {
			runs = append(runs, t.Run)
		}
	}
	return append([]results.Config{{Key: "old", Value: in.Old}, {Key: "new", Value: in.New}}, results.Configs(runs)...)
}
