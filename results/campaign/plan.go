// Package campaign is about runs that are made on many machines: the plan of all
// of them, its shards, and how the shards' trees are put together.
package campaign

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cometbench/matrix"
	"cometbench/results"
)

// Plan is all runs of a campaign, and which of its shards makes those of a cell.
// It is kept as plan.json in the top folder of each shard's tree, so that what is
// missing can be told.
type Plan struct {
	// Shard is the one whose runs are in the tree beside the plan, from 1; 0
	// where those of all are.
	Shard int `json:"shard,omitempty"`
	// Shards is how many there are.
	Shards int `json:"shards"`
	// Count is how many runs each cell has.
	Count int `json:"count"`
	// Arguments are the benchmark's flags, without those that differ from shard
	// to shard: with them every shard makes the same plan.
	Arguments []string `json:"arguments"`
	// Cells are in the order of the benchmark.
	Cells []Cell `json:"cells"`
}

// Cell is a cell of a plan.
type Cell struct {
	matrix.Cell
	// Shard makes all of its runs, so that they come from one machine.
	Shard int `json:"shard"`
}

// outside is about what a run takes besides sending, and perEvent what an event
// takes without latency. Shards only need to be alike.
const (
	outside  = 3 * time.Second
	perEvent = time.Millisecond
)

// duration is about what a run of the cell takes.
func duration(c matrix.Cell) time.Duration {
	return outside + max(c.Expected(), time.Duration(c.Events)*perEvent)
}

// New plans count runs of each cell in as many shards. They take about the same
// time: the cell that takes longest is given to the shard that has least to do,
// then the next. The same cells give the same plan, on any machine.
func New(cells []matrix.Cell, count, shards int) Plan {
	p := Plan{Shards: shards, Count: count}
	for _, c := range cells {
		p.Cells = append(p.Cells, Cell{Cell: c})
	}
	order := make([]*Cell, len(cells))
	for i := range p.Cells {
		order[i] = &p.Cells[i]
	}
	slices.SortStableFunc(order, func(a, b *Cell) int { return cmp.Compare(duration(b.Cell), duration(a.Cell)) })
	busy := make([]time.Duration, shards)
	for _, c := range order {
		least := slices.Index(busy, slices.Min(busy))
		busy[least] += duration(c.Cell)
		c.Shard = least + 1
	}
	return p
}

// Of returns the plan as a shard keeps it.
func (p Plan) Of(shard int) Plan {
	p.Shard = shard
	return p
}

// Share returns the cells whose runs the plan's shard makes.
func (p Plan) Share() []matrix.Cell {
	var cells []matrix.Cell
	for _, c := range p.Cells {
		if p.Shard == 0 || c.Shard == p.Shard {
			cells = append(cells, c.Cell)
		}
	}
	return cells
}

// Difference says in what two plans differ, with both values, "" if only the
// shard does.
func (p Plan) Difference(from Plan) string {
	for _, d := range []struct {
		name       string
		have, want string
	}{
		{"shards", fmt.Sprint(p.Shards), fmt.Sprint(from.Shards)},
		{"count", fmt.Sprint(p.Count), fmt.Sprint(from.Count)},
		{"flags", strings.Join(p.Arguments, " "), strings.Join(from.Arguments, " ")},
		{"number of cells", fmt.Sprint(len(p.Cells)), fmt.Sprint(len(from.Cells))},
	} {
		if d.have != d.want {
			return fmt.Sprintf("%s: %s, not %s", d.name, d.have, d.want)
		}
	}
	for i, c := range p.Cells {
		if other := from.Cells[i]; c != other {
			return fmt.Sprintf("cell %d: %+v, not %+v", i+1, c, other)
		}
	}
	return ""
}

// Write keeps the plan in the top folder of a tree, which is there already. It is
// on the disk whole, or the one before is.
func (p Plan) Write(dir string) error {
	text, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, results.PlanFile+"-new"))
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, results.PlanFile))
}

// Read reads the plan of a tree, nil where it has none.
func Read(dir string) (*Plan, error) {
	name := filepath.Join(dir, results.PlanFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := new(Plan)
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// check refuses a plan that none of ours can be.
func (p *Plan) check() error {
	switch {
	case p.Shards < 1 || p.Shard < 0 || p.Shard > p.Shards:
		return fmt.Errorf("shard %d of %d: want one of 1 or more", p.Shard, p.Shards)
	case p.Count < 1:
		return fmt.Errorf("count %d: want 1 or more", p.Count)
	}
	seen := make(map[string]bool)
	for i, c := range p.Cells {
		switch {
		case c.Shard < 1 || c.Shard > p.Shards:
			return fmt.Errorf("cell %d: shard %d of %d: want one of 1 or more", i+1, c.Shard, p.Shards)
		case seen[c.Dir()]:
			return fmt.Errorf("cell %d: %s is there twice", i+1, c.Dir())
		}
		seen[c.Dir()] = true
	}
	return nil
}
