package paired

import (
	"math"
	"slices"
)

// Finding is what a row says.
type Finding string

// The findings.
const (
	// Open: more rounds could tell.
	Open Finding = "open"
	// Slower: the interval lies above zero and reaches the effect.
	Slower Finding = "slower"
	// Clear: the interval lies below the row's limit.
	Clear Finding = "clear"
)

// Row is one witness in one cell.
type Row struct {
	Cell    string
	Witness Witness
	// Decides is set where the verdict depends on it.
	Decides bool
	// Effect is the least slowdown that counts, and Limit the one that must
	// be excluded for good news. Both are the same where the witness decides
	// alone.
	Effect, Limit float64
	// Values are of the rounds of both brokers, Equals of those of the old one
	// with itself: logarithms of ratios, in their order.
	Values, Equals []float64
	Interval       Interval
	// Biased says that rounds of the old broker with itself differ by more
	// than chance.
	Biased  bool
	Finding Finding
}

// Cell is what is known of a cell before its rounds are judged.
type Cell struct {
	Name string
	// Bound says that the latency decides its rate.
	Bound bool
}

// BoundShare is the share of a transaction that the delay must make up for the
// cell to count as bound.
const BoundShare = 0.75

// Rules are the thresholds.
type Rules struct {
	// Effect is the least slowdown that counts, BoundEffect in cells whose
	// rate the latency decides.
	Effect, BoundEffect float64
	// Alpha is the accepted probability that a comparison of equals ends as a
	// regression, and that a slowdown of a row's limit passes.
	Alpha float64
}

const (
	// waiting is how many times the effect time must exclude where work
	// decides: its part there is to find a broker that waits.
	waiting = 3
	// biasAlpha is the accepted probability of a bias found in an undisturbed
	// comparison, over all rows.
	biasAlpha = 0.01
)

// Judge returns a row for each witness of each cell.
//
// The lower ends of the intervals hold for all deciding rows at once, since
// one of them is enough for a regression; the upper end of each holds by
// itself, since good news needs all of them.
func (r Rules) Judge(cells []Cell, rounds []Round) Rows {
	var rows Rows
	for _, cell := range cells {
		rows = append(rows, r.rows(cell, rounds)...)
	}
	deciding := 0
	for _, row := range rows {
		if row.Decides {
			deciding++
		}
	}
	for i := range rows {
		rows[i].judge(r.Alpha, deciding)
	}
	return rows
}

// rows returns the rows of a cell, not yet judged.
func (r Rules) rows(cell Cell, rounds []Round) []Row {
	var rows []Row
	for _, w := range Witnesses() {
		row := r.row(cell, w)
		for _, round := range rounds {
			value, ok := round.Value(w)
			switch {
			case round.Cell != cell.Name || !ok:
			case round.Equals:
				row.Equals = append(row.Equals, value)
			default:
				row.Values = append(row.Values, value)
			}
		}
		if len(row.Values) > 0 {
			rows = append(rows, row)
		}
	}
	return relax(rows)
}

// row returns a row without figures.
func (r Rules) row(cell Cell, w Witness) Row {
	row := Row{Cell: cell.Name, Witness: w, Decides: true, Effect: r.Effect, Limit: r.Effect, Finding: Open}
	if cell.Bound {
		row.Effect, row.Limit = r.BoundEffect, r.BoundEffect
		row.Decides = w != Work
	}
	return row
}

// relax sets the limits of the other rows of a cell where work decides.
func relax(rows []Row) []Row {
	if slices.ContainsFunc(rows, func(r Row) bool { return r.Witness == Work && r.Decides }) {
		for i := range rows {
			if rows[i].Witness != Work {
				rows[i].Limit *= waiting
			}
		}
	}
	return rows
}

// judge fills in the interval and what follows from it.
func (r *Row) judge(alpha float64, deciding int) {
	tests := float64(max(1, deciding))
	r.Interval = interval(r.Values, alpha/tests, alpha)
	r.Biased = r.biased(biasAlpha / tests)
	r.Finding = r.find()
}

// find returns what the interval says.
func (r *Row) find() Finding {
	switch {
	case r.Interval.Lo > 0 && r.Interval.Hi >= r.Effect:
		return Slower
	case r.Interval.Hi < r.Limit:
		return Clear
	}
	return Open
}

// biased reports whether the mean of the rounds of equals differs from zero.
// The noise is that of all rounds, which were made by the same procedure.
func (r *Row) biased(alpha float64) bool {
	degrees := len(r.Values) - 1 + len(r.Equals) - 1
	if len(r.Values) < MinRounds || len(r.Equals) == 0 {
		return false
	}
	variance := (squares(r.Values) + squares(r.Equals)) / float64(degrees)
	bound := quantile(degrees, alpha/2) * math.Sqrt(variance/float64(len(r.Equals)))
	return math.Abs(mean(r.Equals)) > bound
}

// squares returns the sum of the squares of the distances from the mean.
func squares(values []float64) float64 {
	sum, m := 0.0, mean(values)
	for _, v := range values {
		sum += (v - m) * (v - m)
	}
	return sum
}

// Rows are those of a comparison, or of one of its cells.
type Rows []Row

// Of returns the rows of a cell.
func (r Rows) Of(cell string) Rows {
	var of Rows
	for _, row := range r {
		if row.Cell == cell {
			of = append(of, row)
		}
	}
	return of
}

// Conclude returns what the rows say together: Slower where a deciding one
// does, Clear where all of them are, and Open where more rounds could tell.
// Where one is biased, all are open: the procedure itself is in doubt.
func (r Rows) Conclude() Finding {
	finding, deciding := Clear, 0
	for _, row := range r {
		if !row.Decides {
			continue
		}
		deciding++
		switch {
		case row.Biased:
			return Open
		case row.Finding == Slower:
			finding = Slower
		case row.Finding == Open && finding == Clear:
			finding = Open
		}
	}
	if deciding == 0 {
		return Open
	}
	return finding
}
