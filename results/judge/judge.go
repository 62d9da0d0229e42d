package judge

import (
	"fmt"
	"math"
	"strings"
	"time"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/stat"
)

// DefaultBand is how far from theory a cell bound by latency may be.
const DefaultBand = 0.10

// Options say how to judge.
type Options struct {
	// Band is the greatest deviation from theory of a cell that is bound by
	// latency, as a fraction; 0 means [DefaultBand].
	Band float64
	// Role is the one whose rates are judged for stability.
	Role results.Role
	// Paper is compared with the cells besides theory, if it isn't nil. Its only
	// broker is compared with every broker of the results.
	Paper *results.Set
}

// Judgement is the judgement of a set of results.
type Judgement struct {
	Set     *results.Set
	Band    float64
	Role    results.Role
	Brokers []BrokerJudgement
	// Alpha is the level at which a cell's trend is a finding: a twentieth
	// divided by the number of cells, so that one set of results in twenty has a
	// trend by chance.
	Alpha float64
}

// BrokerJudgement is the judgement of one broker's cells.
type BrokerJudgement struct {
	Name   string
	Theory Theory
	Cells  []CellJudgement
	// First and Last are when the first and the last of its runs began, zero
	// where that isn't known.
	First, Last time.Time
}

// CellJudgement is the judgement of one cell.
type CellJudgement struct {
	*results.CellRuns
	Regime Regime
	// Rate is the author's mean rate, Theory the one of n/(2·RTT+t), Paper the
	// paper's (0 if it has no such cell); all in events per second.
	Rate, Theory, Paper float64
	// Outside reports whether the cell is bound by latency and its rate outside
	// the band: the instrument is at fault.
	Outside bool
	// Disturbed reports whether it is below the band only because of runs that
	// warn: the others, if there are any, are within it.
	Disturbed bool
	// Findings are, in words, where the cell doesn't fit, and what its runs warn of.
	Findings []string
	// Stability is nil where there is but a summary, or one run.
	Stability *Stability
}

// Judge judges a set of results.
func Judge(set *results.Set, o Options) *Judgement {
	if o.Band == 0 {
		o.Band = DefaultBand
	}
	r := &Judgement{Set: set, Band: o.Band, Role: o.Role, Alpha: 0.05 / float64(max(1, len(set.Cells)))}
	uniform := newUniform()
	most := 0 // runs of a cell
	for i := range set.Cells {
		most = max(most, len(set.Cells[i].Runs))
	}
	for _, name := range set.Brokers() {
		var cells []*results.CellRuns
		for i := range set.Cells {
			if set.Cells[i].Cell.Series() == name {
				cells = append(cells, &set.Cells[i])
			}
		}
		b := BrokerJudgement{Name: name, Theory: Fit(cells)}
		b.First, b.Last = began(cells)
		for _, m := range cells {
			cell := b.Theory.judge(m, o)
			if n := len(m.Runs); n > 0 && n < most {
				cell.Findings = append(cell.Findings, fmt.Sprintf("%d of the %d runs that other cells have", n, most))
			}
			if b := m.Bottleneck; b != "" && !(b.Doubtful() && len(m.Runs) > 0) { // else a warning says so
				cell.Findings = append(cell.Findings, "bottleneck: "+string(b))
			}
			cell.Findings = append(cell.Findings, runWarnings(m)...)
			if len(m.Runs) > 1 {
				cell.Stability = stability(m, o.Role, r.Alpha, uniform)
				cell.Findings = append(cell.Findings, cell.Stability.Findings...)
			}
			b.Cells = append(b.Cells, cell)
		}
		r.Brokers = append(r.Brokers, b)
	}
	return r
}

// Outside returns the cells that are bound by latency and outside the band.
func (r *Judgement) Outside() []matrix.Cell {
	return r.cells(func(c CellJudgement) bool { return c.Outside })
}

// Disturbed returns the cells that are below the band because of runs that warn.
func (r *Judgement) Disturbed() []matrix.Cell {
	return r.cells(func(c CellJudgement) bool { return c.Disturbed })
}

func (r *Judgement) cells(want func(CellJudgement) bool) []matrix.Cell {
	var cells []matrix.Cell
	for _, b := range r.Brokers {
		for _, c := range b.Cells {
			if want(c) {
				cells = append(cells, c.Cell)
			}
		}
	}
	return cells
}

// judge compares one cell with theory and the paper.
func (t Theory) judge(m *results.CellRuns, o Options) CellJudgement {
	cell := CellJudgement{CellRuns: m, Regime: t.Regime(m), Rate: rate(m), Theory: t.Rate(m)}
	say := func(format string, args ...any) { cell.Findings = append(cell.Findings, fmt.Sprintf(format, args...)) }
	low := cell.Theory * least(m.Cell) / float64(m.Cell.Conns) * (1 - o.Band)
	high := cell.Theory * (1 + o.Band)
	if cell.Regime == LatencyBound {
		cell.Disturbed = cell.Rate < low && disturbed(m, low, high)
		cell.Outside = (cell.Rate < low || cell.Rate > high) && !cell.Disturbed
	}
	var doubts []string
	switch {
	case cell.Rate <= 0:
		doubts = append(doubts, "no event was acked")
	case cell.Regime == LatencyBound:
		switch ratio := cell.Rate / cell.Theory; {
		case ratio > 1.6 && ratio < 2.4:
			doubts = append(doubts, fmt.Sprintf("%.1f times theory: only one of the two round trips was delayed "+
				"(does something on the way end TCP, as a published port or a proxy does?)", ratio))
		case cell.Rate > high:
			doubts = append(doubts, fmt.Sprintf("%s above theory (was the delay in force?)",
				stat.FormatPercent(ratio-1)))
		case cell.Rate < low:
			doubts = append(doubts, fmt.Sprintf("%s below theory", stat.FormatPercent(1-ratio)))
		}
	case cell.Regime == Saturated && cell.Rate < plateau*t.Saturation:
		doubts = append(doubts, fmt.Sprintf("%s below the plateau", stat.FormatPercent(1-cell.Rate/t.Saturation)))
	case cell.Regime == Knee && t.Saturation > 0:
		if most := min(cell.Theory, t.Saturation); cell.Rate < most*(1-2*o.Band) {
			doubts = append(doubts, fmt.Sprintf("%s below theory, near the knee",
				stat.FormatPercent(1-cell.Rate/cell.Theory)))
		}
	}
	switch {
	case m.Missing == 1:
		doubts = append(doubts, "1 event missing")
	case m.Missing > 1:
		doubts = append(doubts, fmt.Sprintf("%d events missing", m.Missing))
	}
	if len(doubts) > 0 {
		say("%s", strings.Join(doubts, "; "))
	}
	for _, w := range m.Warnings {
		say("%s", w)
	}
	if o.Paper != nil && m.Cell.Deployment == (matrix.Deployment{}) {
		for _, b := range o.Paper.Brokers() {
			if p := o.Paper.Find(b, m.Cell.Latency, m.Cell.Conns); p != nil {
				cell.Paper = rate(p)
			}
		}
		if cell.Regime == LatencyBound && cell.Paper > 0 && math.Abs(cell.Rate/cell.Paper-1) > o.Band {
			say("%+.0f %% from the paper's %s events/s, which latency alone should give anywhere",
				100*(cell.Rate/cell.Paper-1), stat.FormatRate(cell.Paper))
		}
	}
	return cell
}
