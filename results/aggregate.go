package results

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cometbench/matrix"
)

// contents is what a tree has.
type contents struct {
	runs     []Found // with figures, in the tree's order
	void     []VoidRun
	warnings []string // of what isn't part of the tree
	broken   []error  // of runs that can't be read, or are left out
}

// readTree reads a tree of runs. Only an interruption is an error.
func readTree(ctx context.Context, dir string, o Options) (contents, error) {
	var c contents
	for found, err := range Scan(ctx, dir) {
		switch {
		case errors.Is(err, ErrForeign):
			c.warnings = append(c.warnings, err.Error())
			continue
		case err != nil:
			if ctx.Err() != nil {
				return contents{}, err
			}
			c.broken = append(c.broken, err)
			continue
		}
		run := found.Run
		run.Cell.Broker = cmp.Or(run.Cell.Broker, o.Broker)
		switch {
		case run.Void != "":
			c.void = append(c.void, VoidRun{run.Cell, found.Path, run.Started, run.Void})
		case found.stale() != "" && !o.Stale:
			c.broken = append(c.broken, fmt.Errorf("%s; the run is left out (-stale includes it)", found.stale()))
		default:
			c.runs = append(c.runs, found)
		}
	}
	if len(c.runs) == 0 {
		err := fmt.Errorf("%s: no runs: want BROKER/100ms/64c/run1 (or 100ms/64c/run1) with %s, %s and %s", dir,
			LogFile, BrokerFile, SubscriberFile)
		for _, text := range c.warnings {
			err = fmt.Errorf("%w\n%s", err, text)
		}
		for _, v := range c.void {
			err = fmt.Errorf("%w\n%s", err, v)
		}
		return contents{}, errors.Join(append([]error{err}, c.broken...)...)
	}
	return c, nil
}

// loadTree reads a tree of runs as a set.
func loadTree(ctx context.Context, dir string, o Options) (*Set, error) {
	c, err := readTree(ctx, dir, o)
	if err != nil {
		return nil, err
	}
	set := &Set{Source: dir, Void: c.void, Warnings: c.warnings}
	for _, err := range c.broken {
		set.LeftOut = append(set.LeftOut, err.Error())
	}
	set.add(c.runs, o)
	return set, errors.Join(c.broken...)
}

// add adds runs with figures to an empty set.
func (s *Set) add(runs []Found, o Options) {
	config := new(configList)
	cells := make(map[matrix.Cell]int) // events aren't part of the key
	kinds := make(map[matrix.Cell][]string)
	for _, found := range runs {
		key := found.Run.Cell
		key.Events = 0
		i, ok := cells[key]
		if !ok {
			i = len(s.Cells)
			cells[key] = i
			s.Cells = append(s.Cells, CellRuns{Cell: found.Run.Cell})
		}
		s.Cells[i].add(found, o)
		config.add(found.Run)
		if kind := found.Run.Kind(); !slices.Contains(kinds[key], kind) {
			kinds[key] = append(kinds[key], kind)
		}
	}
	for key, list := range kinds {
		if len(list) > 1 {
			m := &s.Cells[cells[key]]
			m.Warnings = append(m.Warnings, fmt.Sprintf("%s: its runs are pooled from %d kinds of machine: %s", m.Cell,
				len(list), strings.Join(list, " | ")))
		}
	}
	for i := range s.Cells {
		s.Cells[i].summarize()
	}
	s.sort()
	s.Config = config.configs()
}

// add adds a run to its cell.
func (m *CellRuns) add(f Found, o Options) {
	run := f.Run
	if text := f.stale(); text != "" {
		m.Warnings = append(m.Warnings, text)
	}
	if run.Cell.Events != m.Cell.Events {
		m.Warnings = append(m.Warnings, fmt.Sprintf("%s: %d events were sent, %d in the cell's first run: rates of "+
			"shorter runs spread more",
			f.Path, run.Cell.Events, m.Cell.Events))
	}
	figures := RunFigures{
		Name:       f.Path,
		Number:     run.Number,
		Started:    run.Started,
		Rates:      [3]float64{run.AuthorRate(), run.BrokerRate(), run.SubscriberRate()},
		Missing:    run.Missing(),
		Elapsed:    run.Author.Elapsed,
		RTT:        run.RTT,
		Figures:    make(map[string]float64),
		OpenLoop:   run.OpenLoop,
		Bottleneck: run.Bottleneck,
		Warnings:   run.Warnings,
	}
	for _, figure := range run.Figures() {
		figures.Figures[figure.Unit] = figure.Value
	}
	if run.Journeys != nil {
		figures.Losses = run.Journeys.Losses
	}
	if o.Paper {
		figures.Rates = f.paperRates()
	}
	m.Runs = append(m.Runs, figures)
}

// stale says in words that a database was there before the run, "" if not.
func (f Found) stale() string {
	most, sent := max(f.Run.Broker.Entries, f.Run.Subscriber.Entries), f.Run.Author.Sent
	if most <= sent {
		return ""
	}
	return fmt.Sprintf("%s: a database holds %d entries, %d events were sent: it was there before the run (a stale "+
		"database)", f.Path, most, sent)
}

// paperRates returns the rates as the paper defines them: the events sent over
// each time, in the arithmetic of the original script, whose times are floating
// point seconds since 1970.
func (f Found) paperRates() [3]float64 {
	seconds := [3]float64{f.log.seconds, f.Run.Broker.seconds(), f.Run.Subscriber.seconds()}
	var rates [3]float64
	for i, s := range seconds {
		if s > 0 {
			rates[i] = float64(f.Run.Author.Sent) / s
		}
	}
	return rates
}

// seconds returns the time between the oldest and the newest entry as the
// difference of the two numbers that a Python reads from the database.
func (d Database) seconds() float64 { return unixSeconds(d.Last) - unixSeconds(d.First) }

// unixSeconds returns the floating point number nearest to t.
func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	f, err := strconv.ParseFloat(fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()), 64)
	if err != nil || t.Unix() < 0 {
		return float64(t.UnixNano()) / 1e9
	}
	return f
}
