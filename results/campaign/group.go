package campaign

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// Group is a broker of the merged tree whose runs were made on several kinds of
// machine. What a machine bounds can't be compared between kinds, and much less
// be in one mean: such cells are in the tree under a label for each kind.
type Group struct {
	// Broker is the label under which the cells are that only latency bounds:
	// they are the same on any machine. Pooled is how many these are, from all
	// kinds.
	Broker string
	Pooled int
	// Kinds are the others' labels, with the kind of machine that each stands
	// for and how many cells it has.
	Kinds []Kind
}

// Kind is one kind of machine of a group.
type Kind struct {
	Label, Machine string
	Cells          int
}

// mark separates a broker's label and a kind of machine in the label of a group.
// No name of a subject has one.
const mark = "~"

// baseLabel returns a broker's label without the group.
func baseLabel(label string) string {
	base, _, _ := strings.Cut(label, mark)
	return base
}

// groupLabel returns the label of a broker on a kind of machine. The same kind has
// the same label in every merge.
func groupLabel(broker, kind string) string {
	sum := sha256.Sum256([]byte(kind))
	return broker + mark + hex.EncodeToString(sum[:3])
}

// band is how much longer than the delayed round trips the author may take, as a
// fraction, in a cell that only latency bounds.
const band = 0.10

// least is how long theory's delayed round trips of each event in its turn take.
// The service time isn't in it: that is the machine's.
func (f *found) least() time.Duration {
	c := f.Run.Cell
	turns := (f.Run.Author.Sent + c.Conns - 1) / c.Conns
	return time.Duration(turns*c.RoundTrips()) * f.Run.RTT
}

// latencyBound reports whether the machine hardly matters to the runs of a cell:
// on every kind, the author took hardly longer than the delayed round trips, on
// average. What an open loop measures, it always matters to, and so does the way
// between two machines.
func latencyBound(kinds map[string][]*found) bool {
	for _, runs := range kinds {
		var took, least time.Duration
		for _, f := range runs {
			if f.Run.Cell.Latency == 0 || f.Run.Cell.Rate > 0 || f.Run.AuthorMachine != nil {
				return false
			}
			took += f.Run.Author.Elapsed
			least += f.least()
		}
		if float64(took) > float64(least)*(1+band) {
			return false
		}
	}
	return true
}

// group gives runs that a machine bounds the label of its kind, where those of
// their broker are from more than one.
func (m *merging) group() {
	brokers := make(map[string]map[string]map[string][]*found) // by broker, cell and kind
	for _, f := range m.runs {
		f.Run.Cell.Broker = f.broker
		if f.Run.Void != "" {
			continue
		}
		cells := brokers[f.broker]
		if cells == nil {
			cells = make(map[string]map[string][]*found)
			brokers[f.broker] = cells
		}
		if cells[f.cell()] == nil {
			cells[f.cell()] = make(map[string][]*found)
		}
		cells[f.cell()][f.Run.Kind()] = append(cells[f.cell()][f.Run.Kind()], f)
	}
	for _, broker := range slices.Sorted(maps.Keys(brokers)) {
		if g := groupOf(broker, brokers[broker]); g != nil {
			m.Groups = append(m.Groups, *g)
		}
	}
}

// groupOf does so with a broker's runs, by cell and kind. It returns nil where they
// are of one kind.
func groupOf(broker string, cells map[string]map[string][]*found) *Group {
	g := &Group{Broker: broker}
	all, bounded := make(map[string]bool), make(map[string][][]*found) // kinds, and their cells
	for _, kinds := range cells {
		bound := latencyBound(kinds)
		if bound {
			g.Pooled++
		}
		for kind, runs := range kinds {
			all[kind] = true
			if !bound {
				bounded[kind] = append(bounded[kind], runs)
			}
		}
	}
	if len(all) < 2 {
		return nil
	}
	if len(bounded) < 2 { // what a machine bounds is of one kind
		return g
	}
	for _, kind := range slices.Sorted(maps.Keys(bounded)) {
		label := groupLabel(broker, kind)
		g.Kinds = append(g.Kinds, Kind{label, kind, len(bounded[kind])})
		for _, f := range slices.Concat(bounded[kind]...) {
			f.Run.Cell.Broker = label
		}
	}
	return g
}

// fillService gives runs with latency the service time that their own shard could
// not measure: that of the runs without latency at one connection, on the same
// kind of machine. Where there are none, it stays unknown.
func (m *merging) fillService() {
	type key struct{ series, kind string }
	of := func(f *found) key {
		c := f.Run.Cell
		c.Broker = f.broker
		return key{c.Series(), f.Run.Kind()}
	}
	sums, counts := make(map[key]time.Duration), make(map[key]int)
	for _, f := range m.runs {
		r := f.Run
		single := r.Void == "" && r.Cell.Rate == 0 && r.Cell.Latency == 0 && r.Cell.Conns == 1
		if single && r.Author.Sent > 0 && r.Author.Acked == r.Author.Sent {
			k := of(f)
			sums[k] += r.Author.Elapsed / time.Duration(r.Author.Sent)
			counts[k]++
		}
	}
	for _, f := range m.runs {
		k, c := of(f), f.Run.Cell
		if f.Run.Void == "" && c.Rate == 0 && c.Latency > 0 && f.Run.Service == 0 && counts[k] > 0 {
			roundTrips := time.Duration(c.RoundTrips())
			f.Run.Service = max(0, sums[k]/time.Duration(counts[k])-roundTrips*f.Run.BaseRTT)
		}
	}
}
