package results

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cometbench/matrix"
)

// loadTree reads a tree of runs.
func loadTree(ctx context.Context, dir string, o Options) (*Set, error) {
	set := &Set{Source: dir}
	config := new(configList)
	cells := make(map[matrix.Cell]int) // events aren't part of the key
	var broken []error
	for found, err := range Scan(ctx, dir) {
		switch {
		case errors.Is(err, ErrForeign):
			set.Warnings = append(set.Warnings, err.Error())
			continue
		case err != nil:
			if ctx.Err() != nil {
				return nil, err
			}
			broken = append(broken, err)
			continue
		}
		run := found.Run
		run.Cell.Broker = cmp.Or(run.Cell.Broker, o.Broker)
		if run.Void != "" {
			set.Void = append(set.Void, VoidRun{run.Cell, found.Path, run.Started, run.Void})
			continue
		}
		key := run.Cell
		key.Events = 0
		i, ok := cells[key]
		if !ok {
			i = len(set.Cells)
			cells[key] = i
			set.Cells = append(set.Cells, CellRuns{Cell: run.Cell})
		}
		set.Cells[i].add(found, o)
		config.add(run)
	}
	kept := set.Cells[:0]
	for i := range set.Cells {
		m := &set.Cells[i]
		if len(m.Runs) == 0 {
			set.Warnings = append(set.Warnings, m.Warnings...)
			continue
		}
		m.summarize()
		kept = append(kept, *m)
	}
	set.Cells = kept
	set.sort()
	set.Config = config.configs()
	if len(set.Cells) == 0 && len(broken) == 0 {
		for _, v := range set.Void {
			set.Warnings = append(set.Warnings, v.String())
		}
		return nil, noRuns(dir, set.Warnings...)
	}
	return set, errors.Join(broken...)
}

// add adds a run to its cell.
func (m *CellRuns) add(f Found, o Options) {
	run := f.Run
	if text := f.stale(); text != "" {
		if !o.Stale {
			m.Stale = append(m.Stale, f.Path)
			m.Warnings = append(m.Warnings, text+"; the run is left out")
			return
		}
		m.Warnings = append(m.Warnings, text)
	}
	if run.Cell.Events != m.Cell.Events {
		m.Warnings = append(m.Warnings, fmt.Sprintf("%s: %d events were sent, %d in the cell's first run: rates of shorter runs spread more",
			f.Path, run.Cell.Events, m.Cell.Events))
	}
	s := RunFigures{
		Name:     f.Path,
		Number:   run.Number,
		Started:  run.Started,
		Rates:    [3]float64{run.AuthorRate(), run.BrokerRate(), run.SubscriberRate()},
		Missing:  run.Missing(),
		Elapsed:  run.Author.Elapsed,
		RTT:      run.RTT,
		Warnings: run.Warnings,
	}
	if o.Paper {
		s.Rates = f.paperRates()
	}
	m.Runs = append(m.Runs, s)
}

// stale says in words that a database was there before the run, "" if not.
func (f Found) stale() string {
	most, sent := max(f.Run.Broker.Entries, f.Run.Subscriber.Entries), f.Run.Author.Sent
	if most <= sent {
		return ""
	}
	return fmt.Sprintf("%s: a database holds %d entries, %d events were sent: it was there before the run (a stale database)", f.Path, most, sent)
}

func noRuns(dir string, found ...string) error {
	err := fmt.Errorf("%s: no runs: want BROKER/100ms/64c/run1 (or 100ms/64c/run1) with %s, %s and %s", dir, LogFile, BrokerFile, SubscriberFile)
	for _, text := range found {
		err = fmt.Errorf("%w\n%s", err, text)
	}
	return err
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
