package compare

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"cometbench/results"
	"cometbench/results/paired"
)

// levels returns what each side took in the rounds that aren't void.
func (in Input) levels() []Level {
	var list []Level
	for _, side := range []Side{Old, New} {
		for _, cell := range in.Cells {
			for _, w := range paired.Witnesses() {
				l := Level{Side: side.String(), Cell: Name(cell), Witness: w}
				for _, r := range in.Rounds {
					if r.Void != "" || r.Cell != cell || r.Equals {
						continue
					}
					if level, ok := (paired.Round{Pairs: r.Pairs}).Level(w, side == New, r.Events); ok {
						l.Seconds = append(l.Seconds, math.Exp(level))
					}
				}
				if len(l.Seconds) > 0 {
					list = append(list, l)
				}
			}
		}
	}
	return list
}

// JudgeStored judges rounds in which the new broker stood on both sides by what an
// earlier comparison has stored of its own new broker. That is weaker than rounds
// with both brokers: a machine that has changed since then looks like a broker that
// has.
func JudgeStored(stored *Document, in Input, o Options) *Verdict {
	rules := o.rules()
	in.Old = stored.New
	v := &Verdict{
		Old: in.Old, New: in.New, Rules: rules, Took: in.Took, Config: in.Config, Broken: in.broken(),
		Started: in.Started, Levels: in.levels(),
		Stored: fmt.Sprintf("%s's figures are stored ones, of %s. They weren't measured beside those of %s: a change "+
			"of the machine since then looks like one of the broker.",
			in.Old.Name, stored.Started.UTC().Format("2006-01-02 15:04 MST"), in.New.Name),
	}
	var cells []paired.Cell
	for _, c := range in.Cells {
		v.cells = append(v.cells, Name(c))
		v.Asides = append(v.Asides, in.aside(c))
		cells = append(cells, paired.Cell{Name: Name(c), Bound: in.bound(c)})
	}
	v.Rows = rules.JudgeUnpaired(cells, func(cell string, w paired.Witness) (old, new paired.Levels) {
		return logs(stored.Levels, New, cell, w), both(v.Levels, cell, w)
	})
	for _, r := range in.Rounds {
		if r.Void != "" {
			v.Void = append(v.Void, Name(r.Cell)+": "+r.Void)
		} else {
			v.Rounds++
		}
	}
	v.conclude(in)
	if lost, sent := in.lost(); lost > 0 {
		v.Reasons = append([]string{fmt.Sprintf("%d of %d events got lost", lost, sent)}, v.Reasons...)
		if len(stored.Losses) == 0 {
			v.Outcome = Regression
		} else if v.Outcome == NoRegression {
			v.Outcome = Unknown
		}
	}
	return v
}

// lost counts the events of all rounds that weren't acked, or not handed on.
func (in Input) lost() (lost, sent int) {
	for _, r := range in.Rounds {
		if r.Void != "" {
			continue
		}
		for _, c := range r.Counts {
			lost += c.Sent - min(c.Acked, c.Delivered)
			sent += c.Sent
		}
	}
	return lost, sent
}

// logs returns the levels of a side.
func logs(levels []Level, side Side, cell string, w paired.Witness) (list paired.Levels) {
	for _, l := range levels {
		if l.Side == side.String() && l.Cell == cell && l.Witness == w {
			for _, s := range l.Seconds {
				list = append(list, math.Log(s))
			}
		}
	}
	return list
}

// both returns the levels of rounds that had the same broker on both sides: their
// means, since the sides of a round aren't independent.
func both(levels []Level, cell string, w paired.Witness) (list paired.Levels) {
	old, new := logs(levels, Old, cell, w), logs(levels, New, cell, w)
	for i := range min(len(old), len(new)) {
		list = append(list, (old[i]+new[i])/2)
	}
	return list
}

// ErrStored is the error where a comparison can't be held against a stored one.
var ErrStored = errors.New("the stored comparison can't be used")

// Comparable returns an error that names everything in which the machine or the
// software differs from that of a stored comparison, or that this hasn't got. Of the
// brokers, only Python and Twisted must be the same.
func Comparable(stored *Document, in Input) error {
	var differ []string
	held := func(what, then, now string) {
		if then != now {
			differ = append(differ, fmt.Sprintf("%s was %q, is %q", what, then, now))
		}
	}
	for _, key := range []string{"kernel", "engine", "netem", "host-cpu", "host-cores", "host-idle", "pinned"} {
		now := ""
		if i := slices.IndexFunc(in.Config, func(c results.ConfigLine) bool { return c.Key == key }); i >= 0 {
			now = in.Config[i].Value
		}
		held(key, stored.Config[key], now)
	}
	held("Python", stored.New.Software.Python, in.New.Software.Python)
	held("Twisted", stored.New.Software.Twisted, in.New.Software.Twisted)
	for _, c := range in.Cells {
		if n := len(logs(stored.Levels, New, Name(c), paired.Time)); n < paired.MinRounds {
			differ = append(differ, fmt.Sprintf("it has %d rounds of %s, want %d", n, Name(c), paired.MinRounds))
		}
	}
	if len(differ) > 0 {
		return fmt.Errorf("%w: %s", ErrStored, strings.Join(differ, "; "))
	}
	return nil
}
