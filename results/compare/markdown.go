package compare

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the verdict as a job's summary or a comment. What
// brokers and messages are called comes from outside, and stays text.
func (v *Verdict) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	sign := map[Outcome]string{NoRegression: "✅", Identical: "✅", Regression: "❌", Unknown: "❔"}[v.Outcome]
	fmt.Fprintf(&b, "### %s %s\n\n", sign, plain(v.headline()))
	for _, reason := range v.Reasons {
		fmt.Fprintf(&b, "- %s\n", plain(reason))
	}
	if len(v.Reasons) > 0 {
		b.WriteString("\n")
	}
	if v.measured() {
		if text := v.worstRow(); text != "" {
			fmt.Fprintf(&b, "%s\n\n", plain(text))
		}
		table := v.table()
		shown := min(len(table), 1+shownCells)
		markdownTable(&b, table[:shown])
		if rest := table[shown:]; len(rest) > 0 {
			fmt.Fprintf(&b, "<details><summary>%d more cells, none of them worse</summary>\n\n", len(rest))
			markdownTable(&b, append(table[:1:1], rest...))
			b.WriteString("</details>\n\n")
		}
		b.WriteString("<details><summary>How it was measured</summary>\n\n")
		for _, line := range v.notes() {
			fmt.Fprintf(&b, "- %s\n", plain(line))
		}
		for _, c := range v.Config {
			fmt.Fprintf(&b, "- %s: %s\n", plain(c.Key), plain(c.Value))
		}
		b.WriteString("\n</details>\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shownCells is how many cells a summary shows at once.
const shownCells = 6

// markdownTable writes a table, its head first.
func markdownTable(b *strings.Builder, lines [][]string) {
	for i, line := range lines {
		for _, text := range line {
			b.WriteString("| " + plain(text) + " ")
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(strings.Repeat("| --- ", len(line)) + "|\n")
		}
	}
	b.WriteString("\n")
}

var markup = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`",
	"[", "\\[", "]", "\\]", "~", "\\~", "@", "@\u200b", "#", "\\#", "\n", " ", "\r", " ")

// plain takes the meaning from characters that Markdown gives one. (A mention
// would notify people.)
func plain(s string) string { return markup.Replace(s) }
