package experiment

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cometbench/matrix"
)

// comet is Comet 1.1.0 on two processors, as it was measured: how many events per
// second it takes at most, how long a transaction takes besides its round trips,
// and what a run takes outside its measured phase, of which proving the latency is
// a part.
var comet = struct {
	most                       float64
	service, start, prove, end time.Duration
}{700, 4 * time.Millisecond, 1300 * time.Millisecond, 600 * time.Millisecond, 700 * time.Millisecond}

// cpuOfComet is what an event costs all of its roles: on one connection they wait
// most of the time, and each event finds them cold.
func cpuOfComet(cell matrix.Cell) time.Duration {
	return time.Duration((1.8 + 7/math.Sqrt(float64(cell.Conns))) * float64(time.Millisecond))
}

// simulated is how long the phases of its runs take.
func simulated(up *slot) (starting, measuring, ending time.Duration) {
	starting, ending = comet.start, comet.end
	if up.cell.Latency > 0 {
		starting += comet.prove
		ending += comet.prove
	}
	perEvent := max((2*up.cell.Latency+comet.service)/time.Duration(up.cell.Conns), time.Duration(1e9/comet.most))
	return starting, time.Duration(up.cell.Events) * perEvent, ending
}

func learnSimulated(s *schedule, up *slot) {
	s.learn(up.cell, time.Duration(up.cell.Events)*cpuOfComet(up.cell), up.cell.Events)
}

// paper is the plan of the paper's matrix.
func paper(events, count int) *plan {
	m := matrix.Paper()
	m.Brokers, m.Events = []string{"comet-1.1.0"}, events
	return &plan{cells: m.Cells(), count: count}
}

// TestPaperMatrix: the campaign of the paper on two processors, simulated.
func TestPaperMatrix(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		events, count, most int
		least, want         time.Duration
	}{
		// The longest cell alone takes 10,000 s.
		{matrix.DefaultEvents, 1, MostOverlap, 10_000 * time.Second, 5 * time.Hour},
		{matrix.DefaultEvents, 100, MostOverlap, 2 * day, 4 * day},
		{matrix.DefaultEvents, 1, 1, 16 * time.Hour, 18 * time.Hour},
		{200, 1, MostOverlap, 200 * time.Second, 10 * time.Minute},
	} {
		s := newSchedule(paper(tt.events, tt.count).missing(), tt.most, 2)
		took := s.forecast(simulated, nil, learnSimulated)
		t.Logf("%d × %d events, %d side by side: %v", tt.count, tt.events, tt.most, took.Round(time.Second))
		if took < tt.least || took > tt.want {
			t.Errorf("%d × %d events, %d side by side: %v, want %v to %v",
				tt.count, tt.events, tt.most, took, tt.least, tt.want)
		}
	}
}

// TestSchedule plays schedules in random order, with runs that are void and brokers
// that don't start among them, and holds every moment against the rules.
func TestSchedule(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 17))
		m := matrix.Matrix{Brokers: []string{"a", "b"}, Events: 10_000}
		for _, ms := range []int{0, 1, 50, 100, 500} {
			m.Latencies = append(m.Latencies, time.Duration(ms)*time.Millisecond)
		}
		m.Conns = []int{1, 4, 64, 512}
		processors, most, count := 1+random.IntN(8), 2+random.IntN(10), 1+random.IntN(3)
		p := &plan{cells: m.Cells(), count: count}
		s := newSchedule(p.missing(), most, processors)
		made, beside, repeated := make(map[matrix.Cell]int), 0, make(map[*slot]bool)
		for !s.done() {
			for up := s.next(true); up != nil; up = s.next(true) {
				repeated[up] = up.again
				checkRules(t, s, up)
			}
			if len(s.up) == 0 {
				t.Fatalf("seed %d: nothing is under way, and nothing begins", seed)
			}
			up := s.up[random.IntN(len(s.up))]
			if up.phase++; up.phase <= ending {
				continue
			}
			s.end(up)
			beside = max(beside, len(s.up))
			if !up.alone && random.IntN(5) == 0 {
				s.repeat(up.cell, random.IntN(2) == 0)
				continue
			}
			made[up.cell]++
			s.learn(up.cell, time.Duration(100+random.IntN(100))*time.Millisecond, 100)
		}
		for _, cell := range m.Cells() {
			if made[cell] != count {
				t.Errorf("seed %d: %d runs of %v, want %d", seed, made[cell], cell, count)
			}
		}
		if processors > 2 && beside == 0 {
			t.Errorf("seed %d: nothing ran side by side", seed)
		}
	}
}

// checkRules checks what must hold when a run has begun.
func checkRules(t *testing.T, s *schedule, begun *slot) {
	t.Helper()
	load, settingUp := 0., 0
	for _, up := range s.up {
		load += up.load
		if up.phase != measuring {
			settingUp++
		}
		if len(s.up) > 1 && (up.alone || up.again || up.cell.Expected() < 20*time.Second || up.load > boundLoad) {
			t.Errorf("%v runs beside %d others", up.cell, len(s.up)-1)
		}
	}
	if load > float64(s.processors)/3+1e-9 {
		t.Errorf("the runs use %.2f of %d processors", load, s.processors)
	}
	if settingUp > max(1, s.processors/2) {
		t.Errorf("%d runs are set up or removed at a time on %d processors", settingUp, s.processors)
	}
	if len(s.up) > s.most {
		t.Errorf("%d runs are side by side, want %d at most", len(s.up), s.most)
	}
	if _, known := s.overall[begun.cell.Series()]; !known && !begun.alone {
		t.Errorf("the first run of %s isn't alone", begun.cell.Broker)
	}
	if s.held[begun.cell.Broker] && !begun.again {
		t.Errorf("%v began before its broker was tried alone", begun.cell)
	}
}

// TestScheduleMemory: without room a run begins only where nothing else is under
// way.
func TestScheduleMemory(t *testing.T) {
	s := newSchedule(slices.Repeat([]matrix.Cell{{Latency: time.Second, Conns: 1, Events: 20}}, 2), 4, 2)
	s.learn(s.waiting[0].cell, time.Millisecond, 1)
	first := s.next(false)
	if first == nil {
		t.Fatal("nothing begins on an idle machine")
	}
	first.phase = measuring
	if up := s.next(false); up != nil {
		t.Error("a run begins without room for it")
	}
	if up := s.next(true); up == nil {
		t.Error("no run begins although there is room for it")
	}
}

// TestDrop: what waits of a broker is taken away, and nothing else.
func TestDrop(t *testing.T) {
	a, b := matrix.Cell{Broker: "a", Conns: 1}, matrix.Cell{Broker: "b", Conns: 1}
	s := newSchedule([]matrix.Cell{a, b, a, a, b}, 2, 2)
	s.end(s.next(true))
	failed := errors.New("a doesn't start")
	var dropped []matrix.Cell
	s.drop(func(broker string) error {
		if broker == "a" {
			return failed
		}
		return nil
	}, func(cell matrix.Cell, err error) {
		dropped = append(dropped, cell)
		if err != failed {
			t.Errorf("%v is dropped because of %v", cell, err)
		}
	})
	if !slices.Equal(dropped, []matrix.Cell{a, a}) {
		t.Errorf("dropped %v, want 2 of %v", dropped, a)
	}
	if up := s.next(true); up == nil || up.cell != b {
		t.Errorf("next is %+v, want a run of b", up)
	}
}
