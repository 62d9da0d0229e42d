package results

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Bottleneck says in words what limited a run, as far as can be told: "broker
// CPU-bound: 0.99 of a processor". It begins with its kind. It is "" where nobody
// judged.
type Bottleneck string

// The kinds of bottlenecks. Their rules are in package bottleneck.
const (
	BoundByLatency    Bottleneck = "bound by latency"
	BoundByBoth       Bottleneck = "bound by latency and the broker"
	BoundByConnection Bottleneck = "bound by one connection"
	BoundByRate       Bottleneck = "bound by the planned rate" // of an open loop
	BrokerBound       Bottleneck = "broker CPU-bound"
	BrokerLimited     Bottleneck = "broker limited"
	BrokerWaits       Bottleneck = "broker waits"
	QueueOverflowed   Bottleneck = "listen queue overflowed"
	SubscriberBound   Bottleneck = "subscriber-bound"
	AuthorBound       Bottleneck = "author-bound"
	MachineSaturated  Bottleneck = "machine saturated"
	CantTell          Bottleneck = "can't tell"
)

// Kind returns the bottleneck's kind, "" where it has none.
func (b Bottleneck) Kind() (kind Bottleneck) {
	for _, k := range []Bottleneck{
		BoundByLatency, BoundByBoth, BoundByConnection, BoundByRate, BrokerBound, BrokerLimited, BrokerWaits,
		QueueOverflowed, SubscriberBound, AuthorBound, MachineSaturated, CantTell,
	} {
		if strings.HasPrefix(string(b), string(k)) && len(k) > len(kind) {
			kind = k
		}
	}
	return kind
}

// Doubtful reports whether the author or the machine was the limit: then the
// figures say little of the broker.
func (b Bottleneck) Doubtful() bool { return b.Kind() == AuthorBound || b.Kind() == MachineSaturated }

// bottleneckOf returns the bottleneck of a cell: that of most of its runs, in the
// words of the one in the middle of these, by the author's rate; or that it
// differs.
func bottleneckOf(runs []RunFigures) Bottleneck {
	kinds := make(map[Bottleneck][]RunFigures)
	judged := 0
	for _, r := range runs {
		if kind := r.Bottleneck.Kind(); kind != "" {
			kinds[kind] = append(kinds[kind], r)
			judged++
		}
	}
	if judged == 0 {
		return ""
	}
	var counts []string
	for kind, of := range kinds {
		if 2*len(of) > judged {
			slices.SortStableFunc(of, func(a, b RunFigures) int {
				return cmp.Compare(a.Rates[RoleAuthor], b.Rates[RoleAuthor])
			})
			return of[len(of)/2].Bottleneck
		}
		counts = append(counts, fmt.Sprintf("%s in %d", kind, len(of)))
	}
	slices.Sort(counts)
	return CantTell + Bottleneck(fmt.Sprintf(": it differs between %d runs: %s", judged, strings.Join(counts, ", ")))
}
