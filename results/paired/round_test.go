package paired

import (
	"encoding/csv"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// measured are the files of real rounds in testdata; its README tells how they
// were measured.
var measured = []string{"equals-calm", "10us-calm", "30us-calm", "30us-busy", "equals-busy"}

// readRounds reads the rounds of one of them.
func readRounds(t *testing.T, name string) []Round {
	t.Helper()
	f, err := os.Open("testdata/" + name + ".csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	var rounds []Round
	for _, row := range rows[1:] { // round, pair, side, elapsed_ns, broker_cpu_ns
		round, pair := number(row[0]), number(row[1])
		if round == len(rounds) {
			rounds = append(rounds, Round{})
		}
		r := &rounds[round]
		if pair == len(r.Pairs) {
			r.Pairs = append(r.Pairs, Pair{})
		}
		batch := Batch{Time: time.Duration(number(row[3])), Work: time.Duration(number(row[4]))}
		if row[2] == "old" {
			r.Pairs[pair].Old = batch
		} else {
			r.Pairs[pair].New = batch
		}
	}
	return rounds
}

func values(rounds []Round, w Witness) []float64 {
	var values []float64
	for _, r := range rounds {
		if v, ok := r.Value(w); ok {
			values = append(values, v)
		}
	}
	return values
}

func deviation(values []float64) float64 {
	return math.Sqrt(squares(values) / float64(len(values)-1))
}

// TestValue works a round's value out by hand: of the ratios 1/8 to 4 the
// least and the greatest are left out.
func TestValue(t *testing.T) {
	var r Round
	for i, factor := range []time.Duration{1, 8, 16, 8, 32} {
		r.Pairs = append(r.Pairs, Pair{Old: Batch{Time: 8}, New: Batch{Time: factor}})
		_, ok := r.Value(Time)
		if want := i == 4; ok != want {
			t.Errorf("%d pairs: got %v, want %v", i+1, ok, want)
		}
	}
	if got, _ := r.Value(Time); math.Abs(got-math.Log(2)/3) > 1e-12 {
		t.Errorf("got %v, want a third of the logarithm of 2", got)
	}
	if _, ok := r.Value(Work); ok {
		t.Error("got a value of work that wasn't measured")
	}
}

// TestTrimming holds the value of a round against others that it might be, on
// real rounds: none has a spread that is always so near to the least.
func TestTrimming(t *testing.T) {
	candidates := map[string]func([]float64) float64{
		"mean":           mean,
		"trimmed by 1/5": func(v []float64) float64 { return trimmedMean(v, trimmed) },
		"median": func(v []float64) float64 {
			s := slices.Sorted(slices.Values(v))
			return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
		},
	}
	for _, share := range []float64{0.1, 0.25, 0.3, 0.4} {
		candidates[strconv.FormatFloat(share, 'g', -1, 64)] = func(v []float64) float64 { return trimmedMean(v, share) }
	}
	worst := make(map[string]float64)
	for _, file := range measured {
		rounds := readRounds(t, file)
		for _, w := range []Witness{Time, Work} {
			least, spread := math.Inf(1), make(map[string]float64)
			for name, value := range candidates {
				var all []float64
				for _, r := range rounds {
					var ratios []float64
					for _, p := range r.Pairs {
						ratios = append(ratios, math.Log(float64(p.New[w])/float64(p.Old[w])))
					}
					all = append(all, value(ratios))
				}
				spread[name] = deviation(all)
				least = min(least, spread[name])
			}
			t.Logf("%s, %s: %.2f %% trimmed by 1/5, %.2f %% the least", file, w, 100*spread["trimmed by 1/5"], 100*least)
			for name, s := range spread {
				worst[name] = max(worst[name], s/least)
			}
		}
	}
	t.Logf("spread over the least one, at worst: %v", worst)
	for name, w := range worst {
		if w < worst["trimmed by 1/5"] {
			t.Errorf("%s is at worst %.2f times the least, trimmed by 1/5 %.2f times", name, w, worst["trimmed by 1/5"])
		}
	}
}
