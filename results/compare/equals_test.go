package compare

import (
	"encoding/csv"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results"
)

// equals reads the runs of comparisons of Comet 3.1.0 with itself, by default
// flags, from testdata/equals.csv. The rows of a side are in the order of its runs.
// testdata/README.md tells of the machine.
func equals(t *testing.T) []Input {
	t.Helper()
	f, err := os.Open("testdata/equals.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	began := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
	database := func(n int, rate float64) results.Database {
		return results.Database{Entries: n, Format: "gdbm", First: began,
			Last: began.Add(time.Duration(float64(n) / rate * 1e9))}
	}
	var list []Input
	for _, row := range rows[1:] {
		// comparison, side, latency_ms, conns, events, author_ns, broker_rate, subscriber_rate
		if n := int(number(row[0])); n > len(list) {
			list = append(list, Input{Old: "comet-3.1.0", New: "comet-3.1.0", Anchor: "embedded",
				Plan: Plan{Anchor: matrix.Cell{Conns: 64, Events: 10000}}})
		}
		in := &list[len(list)-1]
		side := map[string]Side{"old": Old, "new": New, "anchor": Anchor}[row[1]]
		cell := matrix.Cell{Latency: time.Duration(number(row[2])) * time.Millisecond, Conns: int(number(row[3])),
			Events: int(number(row[4]))}
		round := 1 + len(in.runs(side, cell))
		if side != Anchor && round == 1 && side == Old {
			in.Plan.Cells = append(in.Plan.Cells, cell)
		}
		in.Plan.Count = max(in.Plan.Count, min(round, 10))
		in.Attempts = append(in.Attempts, Attempt{Step: Step{round, side, cell}, Run: &results.Run{
			Cell: cell, Started: began, RTT: cell.Latency,
			Author:     results.Author{Elapsed: time.Duration(number(row[5])), Sent: cell.Events, Acked: cell.Events},
			Broker:     database(cell.Events, number(row[6])),
			Subscriber: database(cell.Events, number(row[7])),
		}})
	}
	return list
}

// TestEquals judges real comparisons of equals, and what they might have been:
// the two runs of a pair, which are neighbours in time, are of one broker, and
// which of them is called old is chance. Both must hardly ever be an alarm.
func TestEquals(t *testing.T) {
	comparisons := equals(t)
	real, alarms, unknown, judged := 0, 0, 0, 0
	rng := rand.New(rand.NewPCG(3, 7))
	const exchanges = 200
	for _, in := range comparisons {
		if v := Compare(in, Options{}); v.Outcome == Regression {
			real++
			t.Logf("a false alarm: %q", v.Reasons)
		} else if v.Outcome == Unknown {
			unknown++
		}
		for range exchanges {
			type pair struct {
				round int
				cell  matrix.Cell
			}
			swap := make(map[pair]bool)
			exchanged := in
			exchanged.Attempts = nil
			for _, attempt := range in.Attempts {
				p := pair{attempt.Round, attempt.Cell}
				if _, ok := swap[p]; !ok {
					swap[p] = rng.IntN(2) == 1
				}
				if swap[p] && attempt.Side != Anchor {
					attempt.Side = map[Side]Side{Old: New, New: Old}[attempt.Side]
				}
				exchanged.Attempts = append(exchanged.Attempts, attempt)
			}
			if len(slower(assess(exchanged, Options{}.withDefaults()))) > 0 {
				alarms++
			}
			judged++
		}
	}
	t.Logf("%d comparisons: %d false alarms, %d couldn't tell; with the sides exchanged at random, %d of %d are "+
		"false alarms", len(comparisons), real, unknown, alarms, judged)
	if len(comparisons) == 0 || real > len(comparisons)/20+1 {
		t.Errorf("%d false alarms in %d comparisons", real, len(comparisons))
	}
	if alarms > judged*5/100 {
		t.Errorf("%d false alarms in %d comparisons of exchanged sides", alarms, judged)
	}
}
