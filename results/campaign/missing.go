package campaign

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Missing is a cell of the plan that hasn't got all of its runs.
type Missing struct {
	Cell
	Runs int // that are missing
}

// missing returns what the plan wants and no tree has.
func (m *merging) missing() []Missing {
	if m.Plan == nil {
		return nil
	}
	have := make(map[string]int)
	for _, f := range m.runs {
		if f.Run.Void == "" {
			have[f.cell()]++
		}
	}
	var list []Missing
	for _, c := range m.Plan.Cells {
		if n := m.Plan.Count - have[c.Dir()]; n > 0 {
			list = append(list, Missing{c, n})
		}
	}
	return list
}

// Commands returns the commands that make what is missing, one for each shard.
func (m *Merged) Commands() []string {
	var shards []int
	for _, c := range m.Missing {
		if !slices.Contains(shards, c.Shard) {
			shards = append(shards, c.Shard)
		}
	}
	slices.Sort(shards)
	var list []string
	for _, shard := range shards {
		tree, ok := m.trees[shard]
		if !ok {
			tree = fmt.Sprint("shard", shard)
		}
		list = append(list, m.Plan.command(shard, tree))
	}
	return list
}

// command returns the command that makes what a shard's tree lacks.
func (p *Plan) command(shard int, tree string) string {
	words := []string{"go", "test", "-run=^$"}
	bench := "-bench=."
	var own []string
	for _, arg := range p.Arguments {
		if strings.HasPrefix(arg, "-bench=") {
			bench = arg
		} else {
			own = append(own, arg)
		}
	}
	words = append(words, bench, fmt.Sprint("-count=", p.Count), ".")
	words = append(words, own...)
	words = append(words, fmt.Sprintf("-shard=%d/%d", shard, p.Shards), "-results="+path.Clean(tree), "-resume")
	for i, word := range words {
		words[i] = quote(word)
	}
	return strings.Join(words, " ")
}

// quote writes a word as a shell reads it.
func quote(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=./,:@+%"
	if strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
