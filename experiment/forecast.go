package experiment

import (
	"container/heap"
	"time"
)

// pace says how long the phases of a run take.
type pace func(*slot) (starting, measuring, ending time.Duration)

// forecast plays a schedule to its end, and returns how long that takes. Elapsed
// says how long each run under way has been so. What a run teaches is told to
// learn when it is over.
func (s *schedule) forecast(p pace, elapsed []time.Duration, learn func(*schedule, *slot)) time.Duration {
	play := s.clone()
	var now time.Duration
	var coming moments
	for i, up := range play.up {
		begin, measure, _ := p(up)
		up.phase = measuring
		coming = append(coming, moment{max(0, begin+measure-elapsed[i]), up})
	}
	heap.Init(&coming)
	for {
		for up := play.next(true); up != nil; up = play.next(true) {
			begin, _, _ := p(up)
			heap.Push(&coming, moment{now + begin, up})
		}
		if len(coming) == 0 {
			return now
		}
		m := heap.Pop(&coming).(moment)
		now = m.at
		_, measure, end := p(m.of)
		switch m.of.phase {
		case starting:
			m.of.phase = measuring
			heap.Push(&coming, moment{now + measure, m.of})
		case measuring:
			m.of.phase = ending
			heap.Push(&coming, moment{now + end, m.of})
		case ending:
			play.end(m.of)
			learn(play, m.of)
		}
	}
}

// moment is when a phase of a run is over, moments are a heap of them.
type moment struct {
	at time.Duration
	of *slot
}

type moments []moment

func (m moments) Len() int           { return len(m) }
func (m moments) Less(i, j int) bool { return m[i].at < m[j].at }
func (m moments) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *moments) Push(x any)        { *m = append(*m, x.(moment)) }

func (m *moments) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
