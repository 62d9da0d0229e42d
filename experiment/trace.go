package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"cometbench/author"
	"cometbench/embedded"
	"cometbench/eventdb"
	"cometbench/results"
	"cometbench/results/journey"
	"cometbench/testbed"
)

// trace joins the author's times of the run's events with the databases that were
// copied, and keeps what became of each event. Of several batches the author's
// times of the last are left, which are no run's.
//
// Where all roles are on one machine, their times are those of one clock. Where the
// author is on another, its times are brought to the broker's clock.
func (x *Experiment) trace(ctx context.Context) error {
	if x.report.Sent != x.sent {
		return nil
	}
	j, err := x.journeys(ctx)
	if err != nil {
		return fmt.Errorf("what became of the events: %w", err)
	}
	x.run.Journeys = j.Summary(func(b journey.Block) string { return x.cause(ctx, j.Started, b) })
	x.run.FanOut = x.fanOut(j)
	x.keepUp(j)
	for _, text := range append(j.Doubts(), x.run.Journeys.Warnings()...) {
		x.warn("%s", text)
	}
	if x.keep == "" {
		return nil
	}
	return together(
		func() error { return writeFile(filepath.Join(x.keep, results.SidecarFile), j.Write) },
		func() error { return writeFile(filepath.Join(x.keep, results.LatenciesFile), j.WriteLog) },
	)
}

func (x *Experiment) journeys(ctx context.Context) (*journey.Journeys, error) {
	f, err := os.Open(filepath.Join(x.folder(testbed.Author), author.TimesFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	j, err := journey.Read(f, x.authorStarted())
	if err != nil {
		return nil, err
	}
	if doubt := x.clockDoubt(); doubt != "" {
		j.DoubtClock(doubt)
	}
	if x.report.ClockStep != 0 {
		j.DoubtClock(fmt.Sprintf("the clock was set by %v meanwhile", x.report.ClockStep))
	}
	for _, d := range []struct {
		stage journey.Stage
		role  string
		of    results.Database
	}{
		{journey.Broker, testbed.Broker, x.run.Broker},
		{journey.Delivery, testbed.Subscriber, x.run.Subscriber},
	} {
		if d.of.Format == "" { // there was none to read
			continue
		}
		err := x.withDatabase(d.role, author.DefaultFrom, func(db *eventdb.DB) error {
			return j.Join(ctx, d.stage, db, x.resolution(d.of))
		})
		if err != nil {
			return nil, fmt.Errorf("%s's event database: %w", d.role, err)
		}
	}
	err = x.withDatabase(testbed.Subscriber, embedded.AgainFrom, func(db *eventdb.DB) error {
		return j.JoinAgain(ctx, db)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return j, nil
}

// withDatabase opens the database of an author's events that was copied from a
// role.
func (x *Experiment) withDatabase(role, author string, do func(*eventdb.DB) error) error {
	path, err := eventdb.PathOf(x.folder(role), author)
	if err != nil {
		return err
	}
	db, err := eventdb.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}

func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
