package judge

import (
	"fmt"
	"math"
	"strings"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/stat"
)

// DefaultBand is how far from theory a cell bound by latency may be.
const DefaultBand = 0.10

// Config says how to judge.
type Config struct {
	// Band is the greatest deviation from theory of a cell that is bound by
	// latency, as a fraction; 0 means [DefaultBand].
	Band float64
	// Role is whose rates the stability is judged of.
	Role results.Role
	// Paper is what is held against the cells besides theory, nil for nothing.
	// Its only broker stands beside every broker of the results.
	Paper *results.Set
}

// Report is the judgement of a set of results.
type Report struct {
	Source  string
	Band    float64
	Role    results.Role
	Brokers []Broker
	// Alpha is the level at which a trend counts, a twentieth divided by the
	// number of cells: of so many cells, one has a trend by chance.
	Alpha float64
}

// Broker is the judgement of one broker's cells.
type Broker struct {
	Name   string
	Theory Theory
	Cells  []Cell
}

// Cell is the judgement of one cell.
type Cell struct {
	*results.Measured
	Regime Regime
	// Rate is the author's mean rate, Theory the one of n/(2·RTT+t), Paper the
	// paper's (0 if it has no such cell); all in events a second.
	Rate, Theory, Paper float64
	// Outside says that the cell is bound by latency and its rate outside the
	// band.
	Outside bool
	// Remarks say in words where the cell doesn't fit.
	Remarks []string
	// Stability is nil where there is but a summary, or one run.
	Stability *Stability
}

// Judge judges a set of results.
func Judge(set *results.Set, c Config) *Report {
	if c.Band == 0 {
		c.Band = DefaultBand
	}
	r := &Report{Source: set.Source, Band: c.Band, Role: c.Role, Alpha: 0.05 / float64(max(1, len(set.Cells)))}
	dips := newDips()
	for _, name := range set.Brokers() {
		var cells []*results.Measured
		for i := range set.Cells {
			if set.Cells[i].Cell.Broker == name {
				cells = append(cells, &set.Cells[i])
			}
		}
		b := Broker{Name: name, Theory: Fit(cells)}
		for _, m := range cells {
			cell := b.Theory.judge(m, c)
			if len(m.Samples) > 1 {
				cell.Stability = stability(m, c.Role, r.Alpha, dips)
				cell.Remarks = append(cell.Remarks, cell.Stability.Remarks...)
			}
			b.Cells = append(b.Cells, cell)
		}
		r.Brokers = append(r.Brokers, b)
	}
	return r
}

// Outside returns the cells that are bound by latency and outside the band.
func (r *Report) Outside() []matrix.Cell {
	var cells []matrix.Cell
	for _, b := range r.Brokers {
		for _, c := range b.Cells {
			if c.Outside {
				cells = append(cells, c.Cell)
			}
		}
	}
	return cells
}

// judge holds one cell against theory and paper.
func (t Theory) judge(m *results.Measured, c Config) Cell {
	cell := Cell{Measured: m, Regime: t.Regime(m), Rate: rate(m), Theory: t.Rate(m)}
	say := func(format string, args ...any) { cell.Remarks = append(cell.Remarks, fmt.Sprintf(format, args...)) }
	var doubts []string
	switch {
	case cell.Rate <= 0:
		doubts = append(doubts, "no event was acked")
		cell.Outside = cell.Regime == LatencyBound
	case cell.Regime == LatencyBound:
		low := cell.Theory * least(m.Cell) / float64(m.Cell.Conns) * (1 - c.Band)
		high := cell.Theory * (1 + c.Band)
		cell.Outside = cell.Rate < low || cell.Rate > high
		switch ratio := cell.Rate / cell.Theory; {
		case ratio > 1.6 && ratio < 2.4:
			doubts = append(doubts, fmt.Sprintf("%.1f times theory: only one of the two round trips was delayed (does something on the way end TCP, as a published port or a proxy does?)", ratio))
		case cell.Rate > high:
			doubts = append(doubts, fmt.Sprintf("%s above theory (was the delay in force?)", stat.FormatPercent(ratio-1)))
		case cell.Rate < low:
			doubts = append(doubts, fmt.Sprintf("%s below theory", stat.FormatPercent(1-ratio)))
		}
	case cell.Regime == Saturated && cell.Rate < plateau*t.Saturation:
		doubts = append(doubts, fmt.Sprintf("%s below the plateau", stat.FormatPercent(1-cell.Rate/t.Saturation)))
	case cell.Regime == Knee && t.Saturation > 0:
		if most := min(cell.Theory, t.Saturation); cell.Rate < most*(1-2*c.Band) {
			doubts = append(doubts, fmt.Sprintf("%s below theory, near the knee", stat.FormatPercent(1-cell.Rate/cell.Theory)))
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
	if c.Paper != nil {
		for _, b := range c.Paper.Brokers() {
			if p := c.Paper.Find(b, m.Cell.Latency, m.Cell.Conns); p != nil {
				cell.Paper = rate(p)
			}
		}
		if cell.Regime == LatencyBound && cell.Paper > 0 && math.Abs(cell.Rate/cell.Paper-1) > c.Band {
			say("%+.0f %% from the paper's %s events/s, which latency alone should give anywhere", 100*(cell.Rate/cell.Paper-1), stat.FormatRate(cell.Paper))
		}
	}
	return cell
}
