package experiment

import (
	"context"
	"errors"
	"fmt"

	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
)

// readKept finds the runs of the planned cells that an earlier series has left in
// the tree: [Series.Run] returns them in place of new ones. There may be more
// than are planned.
func (s *Series) readKept(ctx context.Context) error {
	hide := s.line.Show(func() (head, tail string) { return "reading the runs in " + s.tree.Dir, "" })
	found, err := s.tree.Kept(ctx)
	hide()
	if err != nil {
		return fmt.Errorf("%w\n\tremove its folder, and the run is made again", err)
	}
	s.kept, s.plan.kept = make(map[matrix.Cell][]results.Found), make(map[matrix.Cell]int)
	for _, cell := range s.plan.cells {
		runs := found[cell.Dir()]
		s.kept[cell] = runs[:min(len(runs), s.plan.count)]
		s.plan.kept[cell] = len(s.kept[cell])
	}
	return nil
}

// checkKept refuses to go on with runs that were made in another way than those
// that are missing will be: they would be in one mean.
func (s *Series) checkKept() error {
	var first string
	more := 0
	for _, cell := range s.plan.cells {
		planned := s.planned(cell)
		for _, f := range s.kept[cell] {
			if f.Run.Pinned != "" {
				planned.Pinned = f.Run.Pinned // not known before the first run
			}
			if cell.Latency > 0 {
				planned.Netem = s.delayOf(cell.Broker, f.Run.Netem)
			}
			switch difference := f.Run.Difference(planned); {
			case difference == "":
			case first == "":
				first = s.tree.File(f) + ": " + difference
			default:
				more++
			}
		}
	}
	if first == "" {
		return nil
	}
	if more > 0 {
		first += fmt.Sprintf(" (%d more runs differ)", more)
	}
	return errors.New(first + ": what is missing would be made in another way: ask for what was asked for, " +
		"or choose another folder with -results")
}

// delayOf returns the kind of delay that a broker's runs with latency will have:
// containers and processes of one machine may have different ones. Where it wasn't
// tried, and any will do, it is the one that they had.
func (s *Series) delayOf(broker, had string) string {
	if kind, ok := s.delays[broker]; ok {
		return kind
	}
	if s.config.Netem != netem.Auto {
		return string(s.config.Netem)
	}
	return had
}

// takeKept returns the next of the cell's runs that needn't be made, nil if there
// is none.
func (s *Series) takeKept(cell matrix.Cell) *results.Run {
	if len(s.kept[cell]) == 0 {
		return nil
	}
	run := s.kept[cell][0].Run
	s.kept[cell] = s.kept[cell][1:]
	s.plan.done++
	if cell.Latency == 0 {
		s.judge(run)
	}
	return run
}

// resumed says how many of the planned runs needn't be made.
func (s *Series) resumed() results.ConfigLine {
	return results.ConfigLine{Key: "resumed", Value: fmt.Sprintf("%d of %d runs were in %s already",
		s.plan.total()-len(s.plan.missing()), s.plan.total(), s.tree.Dir)}
}

// resumable refuses to resume what isn't counted in runs that are kept.
func (f *Flags) resumable() error {
	switch {
	case !f.resume:
	case f.results == "":
		return errors.New("-resume: want -results=DIR too, the folder that holds the runs of before")
	case f.testing("test.benchtime") != "1x":
		return fmt.Errorf("-resume: with -benchtime=%s nobody knows how many runs are wanted: want -count",
			f.testing("test.benchtime"))
	}
	return nil
}
