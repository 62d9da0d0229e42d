package experiment

import (
	"regexp"
	"strings"

	"cometbench/matrix"
)

// Benchmark is the name of the benchmark whose sub-benchmarks are cells.
const Benchmark = "BenchmarkThroughput"

// matches reports whether the pattern of -test.bench lets a cell run: package
// testing matches its elements, which slashes part, with those of the name, and
// takes the whole in turn for each alternative. A pattern that is none is
// testing's to refuse.
func matches(pattern string, cell matrix.Cell) bool {
	name := strings.Split(Benchmark+"/"+cell.String(), "/")
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
