package judge

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"cometbench/results"
	"cometbench/results/stat"
)

// disturbed reports whether a cell, whose rate is too low, has runs that warn,
// and the author's median rate of its others, if there are any, is from low to
// high. Nothing that disturbs a run makes it faster than theory.
func disturbed(m *results.CellRuns, low, high float64) bool {
	var sound []float64
	for _, r := range m.Runs {
		if len(r.Warnings) == 0 {
			sound = append(sound, r.Rates[results.RoleAuthor])
		}
	}
	rate := stat.Median(sound)
	return len(sound) < len(m.Runs) && (len(sound) == 0 || low <= rate && rate <= high)
}

var digits = regexp.MustCompile(`[0-9]+(\.[0-9]+)?`)

// runWarnings returns the warnings of a cell's runs in words. Of those that differ
// only in their numbers it returns the first, with the number of runs.
func runWarnings(m *results.CellRuns) []string {
	const named = 5
	type warning struct {
		text string
		runs []string
	}
	var list []*warning
	kinds := make(map[string]*warning)
	for _, r := range m.Runs {
		for _, text := range r.Warnings {
			kind := digits.ReplaceAllString(text, "0")
			w := kinds[kind]
			if w == nil {
				w = &warning{text: text}
				kinds[kind] = w
				list = append(list, w)
			}
			w.runs = append(w.runs, path.Base(r.Name))
		}
	}
	var texts []string
	for _, w := range list {
		n := len(w.runs)
		if n > named {
			w.runs = append(w.runs[:named], "…")
		}
		texts = append(texts, fmt.Sprintf("warning of %d of %d runs (%s): %s", n, len(m.Runs),
			strings.Join(w.runs, ", "),
			w.text))
	}
	return texts
}

// began returns when the first and the last of the cells' runs began.
func began(cells []*results.CellRuns) (first, last time.Time) {
	for _, m := range cells {
		for _, r := range m.Runs {
			if r.Started.IsZero() {
				continue
			}
			if first.IsZero() || r.Started.Before(first) {
				first = r.Started
			}
			if r.Started.After(last) {
				last = r.Started
			}
		}
	}
	return first, last
}

// Dates returns when the runs began, in words, "" where that isn't known.
func (b BrokerJudgement) Dates() string {
	const minute, day = "2006-01-02 15:04", "2006-01-02"
	first, last := b.First.UTC(), b.Last.UTC()
	switch {
	case first.IsZero():
		return ""
	case first.Format(minute) == last.Format(minute):
		return first.Format(minute) + " UTC"
	case first.Format(day) == last.Format(day):
		return first.Format(minute) + last.Format(" to 15:04 UTC")
	}
	return first.Format(minute) + last.Format(" to "+minute+" UTC")
}
