package experiment

import (
	"maps"
	"math"
	"slices"
	"time"

	"cometbench/matrix"
)

// What runs side by side may use of a machine. They are decided beforehand and
// are no flags: where a third is busy an event hardly ever waits for a processor,
// and set-ups, which are over in seconds, may use another half while they last.
const (
	steadyShare = 1. / 3 // of all processors, used by what is measured
	setUpShare  = 1. / 2 // of all processors, used by starting and removing
	setUpLoad   = 1.     // processors that one run's starting or removing uses
	// boundLoad is how many processors a run may use at most to be called bound
	// by latency: a broker computes on one.
	boundLoad = 1. / 2
	// brief is how long a run takes that gains nothing by being side by side: the
	// set-up of another would be in it from its start to its end.
	brief = 20 * time.Second
)

// MostOverlap is how many runs may be side by side at most: each has a network,
// and an engine has addresses for about thirty as it is installed.
const MostOverlap = 24

// schedule decides which of the planned runs begins next, and whether it runs
// alone. Alone are those without latency and other brief ones, those that use more of a
// processor than one bound by latency does, and those of brokers of which nothing
// is known yet. All others run side by side, as long as their loads by prediction
// are together below a share of the machine.
//
// It starts nothing and knows no clock, so that a campaign of weeks can be tried
// in a moment.
type schedule struct {
	processors int
	most       int           // runs side by side
	brief      time.Duration // below which a run is alone
	waiting    []*group      // in the order of the plan
	up         []*slot       // runs under way
	costs      map[matrix.Cell]cost
	overall    map[string]cost // by series of cells
	held       map[string]bool // brokers of which one run has to try alone whether they start at all
}

// group is runs of one cell that wait.
type group struct {
	cell  matrix.Cell
	alone bool // whatever its load: they were void beside others
	left  int
}

// slot is a run under way.
type slot struct {
	cell  matrix.Cell
	alone bool // nothing begins beside it
	again bool // it was void beside others
	load  float64
	phase phase
}

// phase is how far a run is.
type phase int

const (
	starting phase = iota // its roles are started, and its latency is proved
	measuring
	ending // what it did is read, and its roles are removed
)

// cost is what the runs of a broker have used.
type cost struct {
	cpu    time.Duration // processor time of all roles
	events int
}

func (c cost) add(cpu time.Duration, events int) cost { return cost{c.cpu + cpu, c.events + events} }

// newSchedule makes a schedule of a run of each of the cells, which may be given
// several times.
func newSchedule(cells []matrix.Cell, most, processors int) *schedule {
	s := &schedule{
		processors: processors, most: most, brief: brief,
		costs: make(map[matrix.Cell]cost), overall: make(map[string]cost), held: make(map[string]bool),
	}
	for _, cell := range cells {
		s.add(cell, false)
	}
	return s
}

// add adds a run that waits.
func (s *schedule) add(cell matrix.Cell, alone bool) {
	for _, g := range s.waiting {
		if g.cell == cell && g.alone == alone {
			g.left++
			return
		}
	}
	s.waiting = append(s.waiting, &group{cell, alone, 1})
}

// load returns how many processors a run of the cell will use: the events per
// second that theory has, by what those of the cell took until now, or else those
// of all of the broker's cells. It is infinite without latency, and where nothing
// is known.
func (s *schedule) load(cell matrix.Cell) float64 {
	c, known := s.costs[cell]
	if !known {
		c, known = s.overall[cell.Series()]
	}
	if !known || cell.Latency == 0 {
		return math.Inf(1)
	}
	return cell.TheoreticalRate(cell.Latency, 0) * c.cpu.Seconds() / float64(c.events)
}

// steady is how many processors the runs that are measured may use together.
func (s *schedule) steady() float64 { return steadyShare * float64(s.processors) }

// alone reports whether the runs of a group have the machine for themselves.
func (s *schedule) alone(g *group) bool {
	return g.alone || g.cell.Expected() < s.brief || s.load(g.cell) > min(boundLoad, s.steady())
}

// next begins a run, and returns nil where none may begin now. Room says that
// there is memory for one more.
func (s *schedule) next(room bool) *slot {
	if len(s.up) == 0 {
		if g := s.nextAlone(); g != nil {
			return s.begin(g, true)
		}
	}
	if g := s.nextBeside(); g != nil && (room || len(s.up) == 0) {
		return s.begin(g, false)
	}
	return nil
}

// nextAlone returns the group of which a run begins on the idle machine: the
// shortest, so that a broker's cost is known soon.
func (s *schedule) nextAlone() (next *group) {
	for _, g := range s.waiting {
		if s.held[g.cell.Broker] && !g.alone {
			continue
		}
		if s.alone(g) && (next == nil || g.cell.Expected() < next.cell.Expected()) {
			next = g
		}
	}
	return next
}

// nextBeside returns the group of which a run begins beside those under way. Runs
// may be many or use much; where more of the places are taken than of the load,
// the one with the greatest load is next, else the longest.
func (s *schedule) nextBeside() (next *group) {
	used, settingUp := 0., 1.
	for _, up := range s.up {
		if up.alone {
			return nil
		}
		used += up.load
		if up.phase != measuring {
			settingUp++
		}
	}
	if len(s.up) >= s.most || settingUp > 1 && settingUp*setUpLoad > setUpShare*float64(s.processors) {
		return nil
	}
	heaviest := float64(len(s.up))/float64(s.most) > used/s.steady()
	for _, g := range s.waiting {
		load := s.load(g.cell)
		if s.alone(g) || s.held[g.cell.Broker] || used+load > s.steady() {
			continue
		}
		if next == nil || heaviest && load > s.load(next.cell) ||
			!heaviest && g.cell.Expected() > next.cell.Expected() {
			next = g
		}
	}
	return next
}

func (s *schedule) begin(g *group, alone bool) *slot {
	up := &slot{cell: g.cell, alone: alone, again: g.alone}
	if !alone {
		up.load = s.load(g.cell)
	}
	if g.left--; g.left == 0 {
		s.waiting = slices.DeleteFunc(s.waiting, func(other *group) bool { return other == g })
	}
	s.up = append(s.up, up)
	return up
}

// end notes that a run is over, its removal included.
func (s *schedule) end(up *slot) {
	if up.again {
		delete(s.held, up.cell.Broker)
	}
	s.up = slices.DeleteFunc(s.up, func(other *slot) bool { return other == up })
}

// learn notes what a run of the cell has used.
func (s *schedule) learn(cell matrix.Cell, cpu time.Duration, events int) {
	s.costs[cell] = s.costs[cell].add(cpu, events)
	s.overall[cell.Series()] = s.overall[cell.Series()].add(cpu, events)
}

// repeat has a run that was void beside others repeated alone. Where its roles
// didn't start, nothing else of its broker begins before that has told whether
// they can.
func (s *schedule) repeat(cell matrix.Cell, hold bool) {
	s.add(cell, true)
	if hold {
		s.held[cell.Broker] = true
	}
}

// drop takes away the runs that wait of brokers for which hopeless has a reason,
// and tells of each.
func (s *schedule) drop(hopeless func(broker string) error, tell func(matrix.Cell, error)) {
	s.waiting = slices.DeleteFunc(s.waiting, func(g *group) bool {
		err := hopeless(g.cell.Broker)
		for range g.left {
			if err != nil {
				tell(g.cell, err)
			}
		}
		return err != nil
	})
}

// done reports whether no run waits or is under way.
func (s *schedule) done() bool { return len(s.waiting) == 0 && len(s.up) == 0 }

// clone returns a schedule that may be played on without a change of this one.
func (s *schedule) clone() *schedule {
	c := *s
	c.costs, c.overall, c.held = maps.Clone(s.costs), maps.Clone(s.overall), maps.Clone(s.held)
	c.waiting, c.up = nil, nil
	for _, g := range s.waiting {
		other := *g
		c.waiting = append(c.waiting, &other)
	}
	for _, up := range s.up {
		other := *up
		c.up = append(c.up, &other)
	}
	return &c
}
