package results

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"cometbench/matrix"
	"cometbench/results/journey"
	"cometbench/results/stat"
)

// Role is one of the three programs whose rate is measured.
type Role int

// The roles, in the order in which an event passes them.
const (
	RoleAuthor Role = iota
	RoleBroker
	RoleSubscriber
)

// Roles returns the three roles in order.
func Roles() [3]Role { return [3]Role{RoleAuthor, RoleBroker, RoleSubscriber} }

// String returns "author", "broker" or "subscriber".
func (r Role) String() string { return [...]string{"author", "broker", "subscriber"}[r] }

// ParseRole reads the name of a role.
func ParseRole(s string) (Role, error) {
	for _, r := range Roles() {
		if r.String() == s {
			return r, nil
		}
	}
	return 0, fmt.Errorf("role %q: want author, broker or subscriber", s)
}

// Unit returns the unit of the role's rate, "author-events/s" for example.
func (r Role) Unit() string { return r.String() + "-events/s" }

// Rates is the summary of one role's rates in a cell, all in events per second.
// Std is the standard deviation of the population (divided by n, not n-1), as
// the paper has it.
type Rates struct {
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"`
}

// Summarize returns the summary of values, zero if there are none.
func Summarize(values []float64) Rates {
	if len(values) == 0 {
		return Rates{}
	}
	n := float64(len(values))
	var sum float64
	for _, v := range values {
		sum += v
	}
	mean := sum / n
	var squares float64
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return Rates{slices.Min(values), slices.Max(values), mean, math.Sqrt(squares / n)}
}

// RunFigures are the figures of one run.
type RunFigures struct {
	// Name is where the figures are from: the run's path in its tree
	// ("comet-3.1.0/100ms/64c/run7"), or a file and line.
	Name string
	// Number is the run's place in the order of the cell's runs.
	Number int
	// Started is when the run began, zero where that isn't known.
	Started time.Time
	// Rates are events per second by [Role].
	Rates [3]float64
	// Missing is how many of the events sent aren't in the subscriber's
	// database.
	Missing int
	// Elapsed is the author time.
	Elapsed time.Duration
	// RTT is the measured round trip with the delay, 0 where unknown.
	RTT time.Duration
	// Figures are all that the run has, by their units.
	Figures map[string]float64
	// Losses are how many events were lost, by the name of their loss; nil where
	// none was, or only records were given.
	Losses journey.Losses
	// OpenLoop is nil for a closed loop, and where only records were given.
	OpenLoop *OpenLoop
	// Bottleneck is what limited the run, "" where that isn't known.
	Bottleneck Bottleneck
	// Warnings say what makes the run's figures doubtful.
	Warnings []string
}

// CellRuns is what was measured of one cell.
type CellRuns struct {
	Cell matrix.Cell
	// Rates are the summaries by [Role].
	Rates [3]Rates
	// Missing is the sum over all runs.
	Missing int
	// Bottleneck is that of most runs, "" where none is known.
	Bottleneck Bottleneck
	// Latencies are figures of latency in seconds, by their units: the median of
	// the runs' percentiles, and the longest of all. It is nil where there are none.
	Latencies map[string]float64
	// Losses are how many events of all runs were lost, by the name of their loss.
	Losses journey.Losses
	// Runs are in their order, and nil where only a summary was given (JSON).
	Runs []RunFigures
	// Warnings say what makes the cell's figures doubtful.
	Warnings []string
}

// Values returns the role's rate of every run, in the runs' order.
func (m *CellRuns) Values(r Role) []float64 {
	values := make([]float64, len(m.Runs))
	for i, s := range m.Runs {
		values[i] = s.Rates[r]
	}
	return values
}

// RTT returns the median of the round trips that the runs measured with the
// delay, 0 where none did.
func (m *CellRuns) RTT() time.Duration {
	var rtts []time.Duration
	for _, s := range m.Runs {
		if s.RTT > 0 {
			rtts = append(rtts, s.RTT)
		}
	}
	return stat.Median(rtts)
}

// summarize computes the summaries from the runs.
func (m *CellRuns) summarize() {
	m.Missing, m.Bottleneck = 0, bottleneckOf(m.Runs)
	for _, s := range m.Runs {
		m.Missing += s.Missing
	}
	for _, r := range Roles() {
		m.Rates[r] = Summarize(m.Values(r))
	}
	m.Latencies, m.Losses = m.latencies(), m.losses()
}

// Set is a set of cells with what was measured of them, whichever form it was
// read from: a tree of runs, JSON, or the output of a benchmark.
type Set struct {
	// Source is the file or folder it was read from.
	Source string
	// Cells are the cells that have runs, ordered by broker (as met first),
	// latency and connections.
	Cells []CellRuns
	// Open are those of open loops, which have no rate of their own to be compared
	// with theory or the paper, ordered by their rates too.
	Open []CellRuns
	// Config is the configuration of the runs, where it is known; the values
	// of a key in which they differ are in one line.
	Config []ConfigLine
	// Void are the void runs of a tree, in its order.
	Void []VoidRun
	// LeftOut are the runs that can't be read or don't count, with the reasons.
	LeftOut []string
	// Warnings name what was found beside the runs and isn't part of the set,
	// such as foreign files.
	Warnings []string
}

// VoidRun is a run without figures.
type VoidRun struct {
	Cell matrix.Cell
	// Name is the run's path in its tree ("comet-3.1.0/100ms/64c/void1").
	Name    string
	Started time.Time
	// Why is the reason, in words.
	Why string
}

// String returns the run with its time and the reason.
func (v VoidRun) String() string {
	when := ""
	if !v.Started.IsZero() {
		when = v.Started.UTC().Format(" of 2006-01-02 15:04 UTC")
	}
	return fmt.Sprintf("%s: the run%s is void: %s", v.Name, when, v.Why)
}

// Brokers returns the brokers of the set, in order. A tree or JSON of the
// original experiment names none: its broker is "".
func (s *Set) Brokers() []string {
	var brokers []string
	for i := range s.Cells {
		if b := s.Cells[i].Cell.Series(); !slices.Contains(brokers, b) {
			brokers = append(brokers, b)
		}
	}
	return brokers
}

// Find returns the cell of one of Brokers at a latency and a number of connections,
// nil if the set has none.
func (s *Set) Find(broker string, latency time.Duration, conns int) *CellRuns {
	for i := range s.Cells {
		if c := s.Cells[i].Cell; c.Series() == broker && c.Latency == latency && c.Conns == conns {
			return &s.Cells[i]
		}
	}
	return nil
}

// sort brings the cells and their runs into their orders, and open loops into a
// list of their own.
func (s *Set) sort() {
	order := make(map[string]int)
	for _, b := range s.Brokers() {
		order[b] = len(order)
	}
	slices.SortStableFunc(s.Cells, func(a, b CellRuns) int {
		return cmp.Or(
			cmp.Compare(order[a.Cell.Series()], order[b.Cell.Series()]),
			cmp.Compare(a.Cell.Latency, b.Cell.Latency),
			cmp.Compare(a.Cell.Conns, b.Cell.Conns),
			cmp.Compare(a.Cell.Rate, b.Cell.Rate))
	})
	for i := range s.Cells {
		slices.SortStableFunc(s.Cells[i].Runs, func(a, b RunFigures) int {
			return cmp.Or(cmp.Compare(a.Number, b.Number), strings.Compare(a.Name, b.Name))
		})
	}
	cells := s.Cells
	s.Cells = nil
	for _, m := range cells {
		if m.Cell.Rate > 0 {
			s.Open = append(s.Open, m)
		} else {
			s.Cells = append(s.Cells, m)
		}
	}
}
