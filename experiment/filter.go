package experiment

import (
	"regexp"
	"slices"
	"strings"

	"cometbench/matrix"
	"cometbench/subject"
)

// wants reports whether any cell of a broker will be run. That of a source tree
// isn't known before its label has a digest.
func (o *Options) wants(b subject.Subject) bool {
	if o.Bench == "" || b.Kind == subject.Source || b.Kind == subject.Git {
		return true
	}
	m := o.Matrix
	m.Brokers = []string{b.Label}
	return len(o.chosen(m.Cells())) > 0
}

// chosen returns those of the cells that will be run.
func (o *Options) chosen(cells []matrix.Cell) []matrix.Cell {
	return slices.DeleteFunc(cells, func(c matrix.Cell) bool { return o.Bench != "" && !matches(o.Bench, c) })
}

// matches reports whether the pattern of -test.bench lets a cell run: package
// testing matches its elements, which slashes part, with those of the name, and
// takes the whole in turn for each alternative. A pattern that is none is
// testing's to refuse.
func matches(pattern string, cell matrix.Cell) bool {
	name := strings.Split(cell.Benchmark()+"/"+cell.String(), "/")
	for _, alternative := range splitPattern(pattern, '|') {
		fits := true
		for i, element := range splitPattern(alternative, '/') {
			expression, err := regexp.Compile(element)
			fits = fits && i < len(name) && (err != nil || expression.MatchString(name[i]))
		}
		if fits {
			return true
		}
	}
	return false
}

// selects reports whether the pattern lets a benchmark run, or some of its cells.
func selects(pattern, benchmark string) bool {
	for _, alternative := range splitPattern(pattern, '|') {
		expression, err := regexp.Compile(splitPattern(alternative, '/')[0])
		if err != nil || expression.MatchString(benchmark) {
			return true
		}
	}
	return false
}

// splitPattern splits a pattern at a separator that stands outside of brackets,
// as package testing does.
func splitPattern(pattern string, separator byte) []string {
	var parts []string
	begin, square, round := 0, 0, 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '[':
			square++
		case ']':
			square = max(0, square-1)
		case '(':
			if square == 0 {
				round++
			}
		case ')':
			if square == 0 {
				round--
			}
		case '\\':
			i++
		case separator:
			if square == 0 && round == 0 {
				parts = append(parts, pattern[begin:i])
				begin = i + 1
			}
		}
	}
	return append(parts, pattern[begin:])
}
