package results

import (
	"slices"
	"testing"

	"cometbench/matrix"
)

// Brokers of several sets keep their names where these differ, and get the
// shortest source that parts the sets where they don't.
func TestMerge(t *testing.T) {
	set := func(source string, brokers ...string) *Set {
		s := &Set{Source: source, Warnings: []string{"a warning"}, Void: []VoidRun{{Name: "void1"}}}
		for _, b := range brokers {
			s.Cells = append(s.Cells, CellRuns{Cell: matrix.Cell{Broker: b, Conns: 1}})
		}
		return s
	}
	for _, tt := range []struct {
		sets []*Set
		want []string
	}{
		{[]*Set{set("a/one", "x", "y")}, []string{"x", "y"}},
		{[]*Set{set("a/one.json", "x", "y"), set("b/two", "x", "")}, []string{"x (one)", "y", "x (two)", "two"}},
		{[]*Set{set("a/one", "x"), set("b/one", "x"), set("two", "x")}, []string{"x (a/one)", "x (b/one)", "x (two)"}},
	} {
		merged := Merge(tt.sets...)
		if got := merged.Brokers(); !slices.Equal(got, tt.want) {
			t.Errorf("got the brokers %q, want %q", got, tt.want)
		}
		if len(merged.Warnings) != len(tt.sets) || len(merged.Void) != len(tt.sets) {
			t.Errorf("got %q and %v, want one warning and one void run of each set", merged.Warnings, merged.Void)
		}
	}
}
