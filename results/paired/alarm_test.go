package paired

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// machine makes up batches as a machine would measure them. Its speed has a
// memory: what slowed a batch down slows down the next.
type machine struct {
	rng    *rand.Rand
	state  float64 // logarithm of the slowness
	memory float64 // of the state from batch to batch
	drift  float64 // standard deviation of the state
	noise  float64 // of a batch, which time and work share
	wait   float64 // of a batch's time alone: what neighbours do
	start  float64 // of a broker that was started: order of memory and the like
	spikes float64 // share of batches that take half as long again
}

// round makes a round of 20 pairs in which the new broker works and waits more.
func (m *machine) round(cell string, work, waits float64) Round {
	r := Round{Cell: cell}
	old, new := m.start*m.rng.NormFloat64(), m.start*m.rng.NormFloat64()
	for i := range 20 {
		var p Pair
		for turn := range 2 {
			m.state = m.memory*m.state + math.Sqrt(1-m.memory*m.memory)*m.drift*m.rng.NormFloat64()
			common := m.state + m.noise*m.rng.NormFloat64()
			if m.rng.Float64() < m.spikes {
				common += math.Log(1.5)
			}
			wait := 0.3*m.state + m.wait*m.rng.NormFloat64()
			batch := func(work, waits float64) Batch {
				worked := 0.2 * math.Exp(common) * (1 + work)
				took := worked*math.Exp(wait) + 0.2*waits
				return Batch{Work: time.Duration(worked * 1e9), Time: time.Duration(took * 1e9), Delivery: time.Duration(took * 0.999e9)}
			}
			if (turn+i)%2 == 0 {
				p.Old = batch(math.Expm1(old), 0)
			} else {
				p.New = batch((1+work)*math.Exp(new)-1, waits)
			}
		}
		r.Pairs = append(r.Pairs, p)
	}
	return r
}

// comparison makes rounds and looks after each, as a comparison does, and
// returns how it ends and after how many rounds of the cell that had most.
func comparison(cells []Cell, budget int, round func(cell string, equals bool) Round) (Finding, int) {
	rules := Rules{Effect: 0.05, BoundEffect: 0.02, Alpha: 0.05}
	var rounds []Round
	var rows Rows
	for n := 1; n <= budget; n++ {
		for _, cell := range cells {
			if rows.Of(cell.Name).Conclude() == Clear {
				continue
			}
			rounds = append(rounds, round(cell.Name, false))
			if n%4 == 2 {
				equals := round(cell.Name, true)
				equals.Equals = true
				rounds = append(rounds, equals)
			}
		}
		rows = rules.Judge(cells, rounds)
		if finding := rows.Conclude(); finding != Open {
			return finding, n
		}
	}
	return Open, budget
}

func cells(n int) []Cell {
	var list []Cell
	for i := range n {
		list = append(list, Cell{Name: fmt.Sprint(i)})
	}
	return list
}

// TestAlarms counts how comparisons end on made-up machines: equals hardly ever
// as a regression, however their noise hangs together, and real slowdowns as
// one. The machines' noise is that of the rounds in testdata, or worse.
func TestAlarms(t *testing.T) {
	calm := machine{memory: 0.5, drift: 0.03, noise: 0.045, wait: 0.01, start: 0.005, spikes: 0.02}
	busy := machine{memory: 0.3, drift: 0.06, noise: 0.05, wait: 0.15, start: 0.005, spikes: 0.02}
	slow := machine{memory: 0.98, drift: 0.2, noise: 0.06, wait: 0.05, start: 0.01, spikes: 0.02}
	const comparisons = 300
	for _, tt := range []struct {
		name        string
		machine     machine
		cells       int
		rounds      int // a cell
		work, waits float64
		red, green  [2]float64 // the least and the greatest share
	}{
		{"equals, calm", calm, 1, 20, 0, 0, [2]float64{0, 0.05}, [2]float64{0.9, 1}},
		{"equals, calm, four cells", calm, 4, 8, 0, 0, [2]float64{0, 0.05}, [2]float64{0.9, 1}},
		{"equals, busy", busy, 1, 20, 0, 0, [2]float64{0, 0.05}, [2]float64{0.75, 1}},
		{"equals, slowly changing", slow, 1, 20, 0, 0, [2]float64{0, 0.05}, [2]float64{0.75, 1}},
		{"5.7 % more work, calm", calm, 1, 8, 0.057, 0, [2]float64{0.9, 1}, [2]float64{0, 0.05}},
		{"5.7 % more work, busy", busy, 1, 16, 0.057, 0, [2]float64{0.9, 1}, [2]float64{0, 0.05}},
		{"10 % more work, busy", busy, 1, 20, 0.1, 0, [2]float64{0.95, 1}, [2]float64{0, 0.05}},
		{"20 % of waiting, calm", calm, 1, 20, 0, 0.2, [2]float64{0.95, 1}, [2]float64{0, 0.05}},
		{"20 % of waiting, busy", busy, 1, 20, 0, 0.2, [2]float64{0.95, 1}, [2]float64{0, 0.05}},
		{"twice as slow by waiting, busy", busy, 1, 8, 0, 1, [2]float64{0.99, 1}, [2]float64{0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := tt.machine
			m.rng = rand.New(rand.NewPCG(5, uint64(len(tt.name))))
			ends, rounds := make(map[Finding]int), 0
			for range comparisons {
				finding, n := comparison(cells(tt.cells), tt.rounds, func(cell string, equals bool) Round {
					if equals {
						return m.round(cell, 0, 0)
					}
					return m.round(cell, tt.work, tt.waits)
				})
				ends[finding]++
				rounds += n
			}
			t.Logf("%v of %d, after %.1f rounds in the mean", ends, comparisons, float64(rounds)/comparisons)
			for finding, want := range map[Finding][2]float64{Slower: tt.red, Clear: tt.green} {
				if share := float64(ends[finding]) / comparisons; share < want[0] || share > want[1] {
					t.Errorf("%.3f end as %s, want %v", share, finding, want)
				}
			}
		})
	}
}

// TestAlarmsOfRealRounds makes comparisons from the real rounds of equals, drawn
// at random with their sides exchanged at random: which of two equals is called
// old is chance.
func TestAlarmsOfRealRounds(t *testing.T) {
	const comparisons = 1000
	for _, tt := range []struct {
		file string
		work float64 // that the new broker does more
		want Finding
	}{
		{"equals-calm", 0, Clear}, {"equals-busy", 0, Clear},
		{"equals-calm", 0.1, Slower}, {"equals-busy", 0.1, Slower},
	} {
		real := readRounds(t, tt.file)
		rng := rand.New(rand.NewPCG(11, 13))
		ends, rounds := make(map[Finding]int), 0
		for range comparisons {
			finding, n := comparison(cells(1), 20, func(cell string, equals bool) Round {
				drawn := Round{Cell: cell}
				exchange := rng.IntN(2) == 1
				for _, p := range real[rng.IntN(len(real))].Pairs {
					if exchange {
						p.Old, p.New = p.New, p.Old
					}
					slower := Batch{}
					for w, d := range p.New {
						slower[w] = d
						if !equals {
							slower[w] += time.Duration(float64(d) * tt.work)
						}
					}
					drawn.Pairs = append(drawn.Pairs, Pair{p.Old, slower})
				}
				return drawn
			})
			ends[finding]++
			rounds += n
		}
		t.Logf("%s, %.0f %% more work: %v of %d, after %.1f rounds in the mean", tt.file, 100*tt.work, ends, comparisons, float64(rounds)/comparisons)
		if ends[tt.want] < comparisons*95/100 {
			t.Errorf("%s, %.0f %% more work: %v of %d, want %s", tt.file, 100*tt.work, ends, comparisons, tt.want)
		}
	}
}
