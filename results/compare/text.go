package compare

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteText writes the verdict for a terminal: a table, and below it the outcome
// with its reasons.
func (v *Verdict) WriteText(w io.Writer) error {
	var b strings.Builder
	if v.measured() {
		for _, c := range v.Config {
			fmt.Fprintf(&b, "%s: %s\n", c.Key, c.Value)
		}
		b.WriteString("\n")
		align(&b, v.table())
		b.WriteString("\n")
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

// align writes lines of columns.
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
			out.WriteString(text + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+2))
		}
		b.WriteString(strings.TrimRight(out.String(), " ") + "\n")
	}
}
