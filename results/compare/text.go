package compare

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"cometbench/results/paired"
	"cometbench/results/stat"
)

// WriteText writes the verdict for a terminal of 80 columns: a table, and below
// it the outcome with its reasons.
func (v *Verdict) WriteText(w io.Writer) error {
	var b strings.Builder
	if v.measured() {
		for _, c := range v.Config {
			wrap(&b, "", c.Key+": "+c.Value)
		}
		b.WriteString("\n")
		align(&b, v.rows())
		b.WriteString("\n")
		for _, line := range v.notes() {
			wrap(&b, "", line)
		}
		b.WriteString("\n")
	}
	wrap(&b, "", v.headline())
	for _, reason := range v.Reasons {
		wrap(&b, "  ", reason)
	}
	if text := v.worstRow(); text != "" && v.measured() {
		wrap(&b, "", text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// rows returns the head and the lines of a table with a line for each row, below
// one that says what the rows of a cell say together.
func (v *Verdict) rows() [][]string {
	lines := [][]string{{"", "slowdown", "interval", "counts from", "excluded from", ""}}
	for _, cell := range v.worstFirst() {
		rows := v.Rows.Of(cell)
		lines = append(lines, []string{cell + ": " + says(rows)})
		for _, r := range rows {
			line := []string{"  " + string(r.Witness), signed(r.Interval.Center) + " %", "too few rounds",
				stat.FormatPercent(r.Effect), stat.FormatPercent(r.Limit), finding(r)}
			if r.Interval.Known() {
				line[2] = fmt.Sprintf("%s to %s %%", signed(r.Interval.Lo), signed(r.Interval.Hi))
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// finding puts in a word what a row says.
func finding(r paired.Row) string {
	switch {
	case !r.Decides:
		return "not used"
	case r.Biased:
		return "in doubt"
	}
	return map[paired.Finding]string{
		paired.Slower: "slower", paired.Clear: "clear", paired.Open: "can't tell",
	}[r.Finding]
}

// align writes lines of columns. A line of one column may be as long as it is.
func align(b *strings.Builder, lines [][]string) {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, text := range line {
			if len(line) > 1 {
				widths[i] = max(widths[i], utf8.RuneCountInString(text))
			}
		}
	}
	for _, line := range lines {
		var out strings.Builder
		for i, text := range line {
			out.WriteString(text + strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(text))+2))
		}
		b.WriteString(strings.TrimRight(out.String(), " ") + "\n")
	}
}

const (
	columns = 80
	noBreak = "\u00a0"
)

// wrap writes a text in lines of 80 columns, but for longer words; what doesn't
// fit stands two blanks further in, as do further lines of the text.
func wrap(b *strings.Builder, indent, text string) {
	further := indent + "  "
	for line := range strings.Lines(text) {
		used := 0
		words := strings.ReplaceAll(strings.TrimRight(line, "\n"), " %", noBreak+"%")
		for word := range strings.SplitSeq(words, " ") {
			word = strings.ReplaceAll(word, noBreak, " ")
			n := utf8.RuneCountInString(word)
			switch {
			case used == 0:
				b.WriteString(indent)
				used = len(indent)
			case used+1+n > columns:
				b.WriteString("\n" + further)
				used = len(further)
			default:
				b.WriteString(" ")
				used++
			}
			b.WriteString(word)
			used += n
		}
		b.WriteString("\n")
		indent = further
	}
}
