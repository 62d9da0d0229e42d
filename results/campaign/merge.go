package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"cometbench/results"
)

// Merged says what came of a merge.
type Merged struct {
	// Plan is that of the shards, nil where no tree has one.
	Plan *Plan
	// Runs and Void are how many of both the merged tree holds, Twice how many
	// runs of the trees were identical to one of another tree.
	Runs, Void, Twice int
	// Groups are the brokers whose figures come from several kinds of machine.
	Groups []Group
	// Missing is what the plan still wants.
	Missing []Missing
	// Foreign is what isn't part of a tree, and was left where it is.
	Foreign []string

	trees map[int]string // of the shards, by their numbers
}

// merging is what Merge works on.
type merging struct {
	Merged
	runs []*found
}

// found is a run of one of the trees.
type found struct {
	results.Found
	tree results.Tree
	// broker is the broker's label, without the group of an earlier merge.
	broker string
}

// dir is the folder of the run.
func (f *found) dir() string { return f.tree.File(f.Found) }

// cell is the folder of the run's cell, whatever its group.
func (f *found) cell() string {
	c := f.Run.Cell
	c.Broker = f.broker
	return c.Dir()
}

// Merge puts the runs of trees into a new one, which is there whole or not at all.
// It refuses trees of different plans, runs of one broker that was not the same
// software, and two runs that should be one and differ.
func Merge(ctx context.Context, to string, trees ...string) (*Merged, error) {
	if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s holds something already: want a new folder", to)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	m := new(merging)
	if err := m.readPlans(trees); err != nil {
		return nil, err
	}
	for _, dir := range trees {
		if err := m.read(ctx, results.Tree{Dir: dir}); err != nil {
			return nil, err
		}
	}
	if len(m.runs) == 0 {
		return nil, fmt.Errorf("no runs in %q", trees)
	}
	for _, step := range []func() error{m.dropTwice, m.checkAlike, m.checkMadeOnce} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	m.fillService()
	m.group()
	m.Missing = m.missing()
	if err := m.write(ctx, to); err != nil {
		return nil, err
	}
	return &m.Merged, nil
}

// readPlans reads the plans of the trees that have one, which must be the same.
func (m *merging) readPlans(trees []string) error {
	m.trees = make(map[int]string)
	first := ""
	for _, dir := range trees {
		plan, err := Read(dir)
		if err != nil {
			return err
		}
		if plan == nil {
			continue
		}
		if m.Plan == nil {
			all := plan.Of(0)
			m.Plan, first = &all, dir
		}
		if d := plan.Difference(*m.Plan); d != "" {
			return fmt.Errorf("%s and %s are of different plans: %s", dir, first, d)
		}
		if plan.Shard > 0 {
			m.trees[plan.Shard] = dir
		}
	}
	return nil
}

// read reads the runs of a tree, the void ones included.
func (m *merging) read(ctx context.Context, tree results.Tree) error {
	for f, err := range results.Scan(ctx, tree.Dir) {
		switch {
		case errors.Is(err, results.ErrForeign):
			m.Foreign = append(m.Foreign, err.Error())
			continue
		case err != nil:
			return err
		case f.Run.Started.IsZero():
			return fmt.Errorf("%s: nobody knows when it was made: runs of the original experiment can't be told apart",
				tree.File(f))
		}
		m.runs = append(m.runs, &found{f, tree, baseLabel(f.Run.Cell.Broker)})
	}
	return nil
}

// checkAlike refuses what can't stand in one tree: a broker that was not the same
// software, and cells whose runs have different numbers of events.
func (m *merging) checkAlike() error {
	brokers, cells := make(map[string]*found), make(map[string]*found)
	for _, f := range m.runs {
		if f.Run.Void != "" {
			continue
		}
		first, ok := brokers[f.broker]
		if !ok {
			brokers[f.broker], first = f, f
		}
		if d := f.Run.SubjectDifference(first.Run); d != "" {
			return fmt.Errorf("%s and %s are not of the same broker: %s", f.dir(), first.dir(), d)
		}
		if first, ok = cells[f.cell()]; !ok {
			cells[f.cell()], first = f, f
		}
		if a, b := f.Run.Cell.Events, first.Run.Cell.Events; a != b {
			return fmt.Errorf("%s and %s are not of the same cell: events: %d, not %d", f.dir(), first.dir(), a, b)
		}
	}
	return nil
}

// checkMadeOnce refuses more runs of a cell than the plan wants where they are of
// several trees: somebody has made a shard twice.
func (m *merging) checkMadeOnce() error {
	if m.Plan == nil {
		return nil
	}
	runs := make(map[string][]*found)
	for _, f := range m.runs {
		if f.Run.Void == "" {
			runs[f.cell()] = append(runs[f.cell()], f)
		}
	}
	for _, c := range m.Plan.Cells {
		of := runs[c.Dir()]
		for _, f := range of {
			if len(of) > m.Plan.Count && f.tree != of[0].tree {
				return fmt.Errorf("%s and %s are different runs of a cell of which there are %d, and %d are planned: "+
					"leave one of the trees of shard %d out", of[0].dir(), f.dir(), len(of), m.Plan.Count, c.Shard)
			}
		}
	}
	return nil
}

// write makes the merged tree beside its place, and then moves it there.
func (m *merging) write(ctx context.Context, to string) (err error) {
	to = filepath.Clean(to)
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	beside, err := os.MkdirTemp(filepath.Dir(to), "."+filepath.Base(to)+"-merging-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(beside))
		}
	}()
	if err := os.Chmod(beside, 0o755); err != nil { // as any folder is, not as temporary ones are
		return err
	}
	tree := results.Tree{Dir: beside}
	slices.SortStableFunc(m.runs, func(a, b *found) int {
		return cmp.Or(cmp.Compare(a.Run.Cell.Dir(), b.Run.Cell.Dir()), a.Run.Started.Compare(b.Run.Started))
	})
	for _, f := range m.runs {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := f.copyTo(tree); err != nil {
			return fmt.Errorf("%s: %w", f.dir(), err)
		}
		if f.Run.Void == "" {
			m.Runs++
		} else {
			m.Void++
		}
	}
	if m.Plan != nil {
		if err := m.Plan.Write(beside); err != nil {
			return err
		}
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(beside, to)
}

// copyTo adds the run to a tree.
func (f *found) copyTo(tree results.Tree) (err error) {
	staging, err := tree.Stage()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, staging.Discard()) }()
	if err := os.CopyFS(staging.Dir, withoutRecord{os.DirFS(f.dir())}); err != nil {
		return err
	}
	_, err = staging.Commit(f.Run)
	return err
}

// withoutRecord is a run's folder without run.json, which is written anew.
type withoutRecord struct{ fs.FS }

// ReadDir lists a folder.
func (w withoutRecord) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == results.RunFile }), err
}
