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
			fmt.Fprintf(&b, "| %s | %s | %s | change | |\n| --- | ---: | ---: | ---: | --- |\n", plain(unit),
				plain(old), plain(new))
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
		for _, line := range v.notes() {
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
