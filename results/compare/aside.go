package compare

import (
	"fmt"
	"math"
	"slices"

	"cometbench/matrix"
	"cometbench/results/paired"
	"cometbench/results/stat"
)

// Aside is what is shown of a cell beside its rows, and decides nothing.
type Aside struct {
	Cell string `json:"cell"`
	// Subscriber is how much more processor time the new broker's subscriber
	// used for each event, in each round that knows, as a fraction.
	Subscriber []float64 `json:"subscriber"`
	// Foreign and Steal are the shares of the processors' time that other
	// programs used and that the hypervisor took, in each round that isn't void,
	// those of equals included.
	Foreign []float64 `json:"foreign"`
	Steal   []float64 `json:"steal"`
}

// aside returns what is shown of a cell beside its rows.
func (in Input) aside(cell matrix.Cell) Aside {
	a := Aside{Cell: Name(cell), Subscriber: []float64{}, Foreign: []float64{}, Steal: []float64{}}
	for _, r := range in.Rounds {
		if r.Void != "" || r.Cell != cell {
			continue
		}
		a.Foreign, a.Steal = append(a.Foreign, r.Foreign), append(a.Steal, r.Steal)
		if old, new := r.Subscriber[Old], r.Subscriber[New]; old > 0 && new > 0 && !r.Equals {
			a.Subscriber = append(a.Subscriber, float64(new)/float64(old)-1)
		}
	}
	return a
}

// subscriber puts the subscriber's work in words, "" where it isn't known.
func (a Aside) subscriber() string {
	if len(a.Subscriber) == 0 {
		return ""
	}
	var values []float64
	for _, f := range a.Subscriber {
		values = append(values, math.Log1p(f))
	}
	mean := stat.MeanInterval(values)
	i := paired.Interval{Center: math.Expm1(mean.Value), Lo: math.Inf(-1), Hi: math.Inf(1)}
	if len(values) >= paired.MinRounds {
		i.Lo, i.Hi = math.Expm1(mean.Lo), math.Expm1(mean.Hi)
	}
	return slowdown(i)
}

// neighbours puts in words what else used the processors, over all cells.
func neighbours(asides []Aside) string {
	var foreign, steal []float64
	for _, a := range asides {
		foreign, steal = append(foreign, a.Foreign...), append(steal, a.Steal...)
	}
	if len(foreign) == 0 {
		return ""
	}
	return fmt.Sprintf("other programs used %s of the processors' time, %s at most in a round; the hypervisor took %s",
		stat.FormatPercent(stat.MeanInterval(foreign).Value), stat.FormatPercent(slices.Max(foreign)),
		stat.FormatPercent(stat.MeanInterval(steal).Value))
}
