package paired

import (
	"math"

	"github.com/aclements/go-moremath/stats"
)

// Levels are what a broker took in each round of a cell: the logarithm of the
// seconds an event, by one witness.
type Levels []float64

// Level returns that of one side of a round: the trimmed mean of its batches of so
// many events. It reports false where the round has too few batches with that
// witness.
func (r Round) Level(w Witness, new bool, events int) (level float64, ok bool) {
	var logs []float64
	for _, p := range r.Pairs {
		batch := p.Old
		if new {
			batch = p.New
		}
		if took := batch[w]; took > 0 {
			logs = append(logs, math.Log(took.Seconds()/float64(events)))
		}
	}
	if len(logs) < minPairs {
		return 0, false
	}
	return trimmedMean(logs, trimmed), true
}

// JudgeUnpaired returns the rows of brokers that weren't up side by side: of the
// old one, only the levels of earlier rounds are known. A change of the machine
// since then looks like one of the broker. The interval is Welch's, and there is
// one look only.
func (r Rules) JudgeUnpaired(cells []Cell, levels func(cell string, w Witness) (old, new Levels)) Rows {
	var rows Rows
	for _, cell := range cells {
		var of []Row
		for _, w := range Witnesses() {
			old, new := levels(cell.Name, w)
			if len(old) < MinRounds || len(new) == 0 {
				continue
			}
			row := r.row(cell, w)
			for _, level := range new {
				row.Values = append(row.Values, level-mean(old))
			}
			of = append(of, row)
		}
		rows = append(rows, relax(of)...)
	}
	deciding := 0
	for _, row := range rows {
		if row.Decides {
			deciding++
		}
	}
	for i := range rows {
		row := &rows[i]
		old, _ := levels(row.Cell, row.Witness)
		row.Interval = welch(old, row.Values, r.Alpha/float64(max(1, deciding)), r.Alpha)
		row.Finding = row.find()
	}
	return rows
}

// welch returns the interval of the mean of values, which are new levels above the
// mean of the old ones.
func welch(old Levels, values []float64, below, above float64) Interval {
	center := mean(values)
	if len(values) < MinRounds {
		return Interval{math.Expm1(center), math.Inf(-1), math.Inf(1)}
	}
	n, m := float64(len(old)), float64(len(values))
	a, b := stats.Variance(old)/n, stats.Variance(values)/m
	unit := math.Sqrt(a + b)
	degrees := 1
	if unit > 0 { // Welch-Satterthwaite
		degrees = max(1, int((a+b)*(a+b)/(a*a/(n-1)+b*b/(m-1))))
	}
	return Interval{
		Center: math.Expm1(center),
		Lo:     math.Expm1(center - quantile(degrees, below)*unit),
		Hi:     math.Expm1(center + quantile(degrees, above)*unit),
	}
}
