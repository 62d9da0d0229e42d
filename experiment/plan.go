package experiment

import (
	"fmt"
	"time"

	"cometbench/internal/progress"
	"cometbench/matrix"
)

// plan is the runs of a series, and reckons how long they will still take. A cell
// that was run before takes what it took then; another one the least time in which
// its events can be sent, and what the runs until now took beyond theirs.
type plan struct {
	cells []matrix.Cell // in the order in which they are run
	count int           // runs of each
	done  int           // runs that were made, or are void
	// kept is how many runs of a cell needn't be made: they are in the tree.
	kept  map[matrix.Cell]int
	since time.Time // when the one under way began, if there is one

	took   map[matrix.Cell][]time.Duration
	made   int           // runs
	beyond time.Duration // what they took beyond the least time
}

// total is how many runs there are.
func (p *plan) total() int { return len(p.cells) * p.count }

// missing returns the cell of each run that has to be made.
func (p *plan) missing() []matrix.Cell {
	var cells []matrix.Cell
	for _, cell := range p.cells {
		for range p.count - p.kept[cell] {
			cells = append(cells, cell)
		}
	}
	return cells
}

// begin notes that a run has begun.
func (p *plan) begin() { p.since = time.Now() }

// finish notes that a run of the cell was made in that time.
func (p *plan) finish(cell matrix.Cell, took time.Duration) {
	if p.took == nil {
		p.took = make(map[matrix.Cell][]time.Duration)
	}
	p.took[cell] = append(p.took[cell], took)
	p.made++
	p.beyond += max(0, took-cell.Expected())
}

// of returns how long a run of a cell takes.
func (p *plan) of(cell matrix.Cell) time.Duration {
	var sum time.Duration
	for _, took := range p.took[cell] {
		sum += took
	}
	switch {
	case sum > 0:
		return sum / time.Duration(len(p.took[cell]))
	case p.made > 0:
		return cell.Expected() + p.beyond/time.Duration(p.made)
	}
	return cell.Expected()
}

// left returns how long all will still take, when the next run has been under way
// for a time.
func (p *plan) left(underWay time.Duration) time.Duration {
	var sum time.Duration
	for n := p.done; n < p.total(); n++ {
		cell := p.cells[n/p.count]
		if n%p.count < p.kept[cell] {
			continue
		}
		took := p.of(cell)
		if n == p.done {
			took = max(0, took-underWay)
		}
		sum += took
	}
	return sum
}

// String says so for a person: before the first run was made, it is what theory
// asks for at least.
func (p *plan) String() string {
	left := p.left(time.Since(p.since))
	switch {
	case p.made > 0:
		return fmt.Sprintf(", about %s left", progress.Left(left))
	case left > 0:
		return fmt.Sprintf(", %s or more left", progress.Left(left))
	}
	return ""
}
