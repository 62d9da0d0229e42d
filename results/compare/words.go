package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"cometbench/results/paired"
	"cometbench/results/stat"
)

// describe says what the rows of a cell say, their figures behind it.
func describe(rows paired.Rows) string {
	if len(rows) == 0 {
		return says(rows)
	}
	return says(rows) + ": " + strings.Join(figures(rows), ", ")
}

// says puts the findings of a cell in words. Work that grows without the time,
// and time that grows without the work, are regressions of their own kind.
func says(rows paired.Rows) string {
	slower, clear := make(map[paired.Witness]bool), make(map[paired.Witness]bool)
	works := false
	for _, r := range rows {
		if !r.Decides {
			continue
		}
		if r.Biased {
			return fmt.Sprintf("the old broker differs from itself in %s by more than chance, so that nothing can "+
				"be told", r.Witness)
		}
		slower[r.Witness], clear[r.Witness] = r.Finding == paired.Slower, r.Finding == paired.Clear
		works = works || r.Witness == paired.Work
	}
	late := slower[paired.Time] || slower[paired.Delivery]
	switch conclusion := rows.Conclude(); {
	case len(rows) == 0:
		return "no round that counts"
	case late && slower[paired.Work]:
		return "slower, with more work per event"
	case late && clear[paired.Work]:
		return "slower, without more work per event: it waits"
	case late && works:
		return "slower; whether it works more or waits can't be told"
	case late:
		return "slower"
	case slower[paired.Work]:
		return "more work per event, not yet slower"
	case conclusion == paired.Open:
		return "could not tell"
	case !works && rows[len(rows)-1].Witness == paired.Work:
		return "not slower (the latency decides, not the work)"
	}
	return "not slower"
}

// figures are the intervals of a cell's deciding rows: "work +5.7 % (+3.0 to
// +8.4 %)".
func figures(rows paired.Rows) []string {
	var texts []string
	for _, r := range rows {
		if r.Decides {
			texts = append(texts, string(r.Witness)+" "+slowdown(r.Interval))
		}
	}
	return texts
}

// slowdown writes an interval: "+5.7 % (+3.0 to +8.4 %)".
func slowdown(i paired.Interval) string {
	if !i.Known() {
		return signed(i.Center) + " % (too few rounds)"
	}
	return fmt.Sprintf("%s %% (%s to %s %%)", signed(i.Center), signed(i.Lo), signed(i.Hi))
}

// signed writes a fraction in percent with its sign.
func signed(f float64) string {
	text := strings.TrimSuffix(stat.FormatPercent(math.Abs(f)), " %")
	switch {
	case text == "0.0":
		return "±" + text
	case f < 0:
		return "−" + text
	}
	return "+" + text
}

// slowdowns turns the values of rounds into fractions.
func slowdowns(values []float64) []float64 {
	list := make([]float64, len(values))
	for i, v := range values {
		list[i] = math.Expm1(v)
	}
	return list
}

func (v *Verdict) headline() string {
	old, new := v.labels()
	switch v.Outcome {
	case Regression:
		return fmt.Sprintf("REGRESSION of %s against %s:", new, old)
	case NoRegression:
		return fmt.Sprintf("No regression of %s against %s.", new, old)
	case Identical:
		return fmt.Sprintf("%s and %s are identical:", new, old)
	}
	return fmt.Sprintf("Could not tell whether %s is slower than %s:", new, old)
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

// severity tells by how much a row is nearer to a regression than another one:
// by its finding, and then by how much of its effect it reaches.
func severity(r paired.Row) (finding int, share float64) {
	order := []paired.Finding{paired.Clear, paired.Open, paired.Slower}
	return slices.Index(order, r.Finding), r.Interval.Center / r.Effect
}

// worst returns the deciding row that is nearest to a regression, or is one. Where
// there is none, its effect is 0.
func worst(rows paired.Rows) (of paired.Row) {
	for _, r := range rows {
		if r.Decides && (of.Effect == 0 || worse(r, of) < 0) {
			of = r
		}
	}
	return of
}

// worse compares rows so that the worse one comes first.
func worse(a, b paired.Row) int {
	findingA, shareA := severity(a)
	findingB, shareB := severity(b)
	return cmp.Or(cmp.Compare(findingB, findingA), cmp.Compare(shareB, shareA))
}

// worstFirst returns the cells, those first that are nearest to a regression.
func (v *Verdict) worstFirst() []string {
	return slices.SortedStableFunc(slices.Values(v.cells), func(a, b string) int {
		return worse(worst(v.Rows.Of(a)), worst(v.Rows.Of(b)))
	})
}

// worstRow says which row is nearest to a regression, with its interval and the
// effect, "" where there is none.
func (v *Verdict) worstRow() string {
	r := worst(v.Rows)
	if r.Effect == 0 {
		return ""
	}
	return fmt.Sprintf("The worst row: %s of %s, %s, where %s counts.", r.Witness, r.Cell, slowdown(r.Interval),
		stat.FormatPercent(r.Effect))
}

// table returns the head and the lines of the table, a line for each cell: words
// first.
func (v *Verdict) table() [][]string {
	lines := [][]string{{"cell", "verdict", "time", "delivery", "work"}}
	for _, cell := range v.worstFirst() {
		rows := v.Rows.Of(cell)
		line := []string{cell, says(rows)}
		for _, w := range paired.Witnesses() {
			text := "not measured"
			for _, r := range rows {
				if r.Witness == w {
					text = slowdown(r.Interval)
				}
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	return lines
}

// notes are what a reader of the table must know besides.
func (v *Verdict) notes() []string {
	lines := []string{fmt.Sprintf("%d rounds in %.0f s, %d of them of the old broker with itself; %d void",
		v.Rounds, v.Took.Seconds(), v.Equals, len(v.Void))}
	if text := neighbours(v.Asides); text != "" {
		lines = append(lines, text)
	}
	if v.Stored != "" {
		lines = append(lines, v.Stored)
	}
	for i, cell := range v.cells {
		var equals []string
		for _, r := range v.Rows.Of(cell) {
			if r.Decides && len(r.Equals) > 0 {
				equals = append(equals, fmt.Sprintf("%s %s %%", r.Witness,
					signed(math.Expm1(stat.MeanInterval(r.Equals).Value))))
			}
		}
		if len(equals) > 0 {
			lines = append(lines, fmt.Sprintf("%s: the old broker with itself: %s", cell, strings.Join(equals, ", ")))
		}
		if text := v.Asides[i].subscriber(); text != "" {
			lines = append(lines, fmt.Sprintf("%s: work of the subscriber, which decides nothing: %s", cell, text))
		}
	}
	for _, l := range v.Losses {
		if l.Finding == paired.Clear {
			lines = append(lines, l.String())
		}
	}
	for _, why := range v.Void {
		lines = append(lines, "void: "+brief(why))
	}
	return lines
}
