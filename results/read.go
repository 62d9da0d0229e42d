package results

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"cometbench/eventdb"
	"cometbench/matrix"
)

// read reads one run's folder.
func (i item) read(ctx context.Context, dir string) result {
	var r result
	fail := func(name string, err error) {
		r.errs = append(r.errs, pathError(dir, path.Join(i.path, name), err))
	}
	folder := filepath.Join(dir, filepath.FromSlash(i.path))
	entries, err := os.ReadDir(folder)
	if err != nil {
		fail("", err)
		return r
	}
	found := Found{Path: i.path}
	if i.void {
		if found.Run, err = i.readVoid(folder); err != nil {
			fail(RunFile, err)
			return r
		}
		r.found = found
		return r
	}
	broken := false
	if found.log, err = readAuthorLog(filepath.Join(folder, LogFile)); err != nil {
		fail(LogFile, err)
		broken = true
	}
	var broker, subscriber Database
	for _, d := range []struct {
		name string
		to   *Database
	}{{BrokerFile, &broker}, {SubscriberFile, &subscriber}} {
		if _, err := eventdb.Find(filepath.Join(folder, d.name)); err != nil {
			fail(d.name, err)
			broken = true
		} else if *d.to, err = ReadDatabase(ctx, filepath.Join(folder, d.name)); err != nil {
			fail(d.name, err)
			broken = true
		}
	}
	stored, err := readRun(filepath.Join(folder, RunFile))
	if err != nil {
		fail(RunFile, err)
		broken = true
	}
	for _, e := range entries {
		if !i.known(e.Name(), stored) {
			fail(e.Name(), fmt.Errorf("%w: want the files of a run", ErrForeign))
		}
	}
	if broken {
		return r
	}
	run := stored
	if run == nil {
		run = &Run{Cell: i.cell, Author: Author{Elapsed: found.log.elapsed, Sent: found.log.events(),
			Acked: found.log.sent}}
		run.Cell.Events = run.Author.Sent
		run.Broker, run.Subscriber = broker, subscriber
		if n := found.log.failed; n > 0 {
			run.Author.Failures = map[string]int{"other": n}
		}
	} else if err := i.agree(run, found.log, broker, subscriber); err != nil {
		fail("", err)
		return r
	}
	run.Number = i.number
	if run.Void != "" {
		fail(RunFile, fmt.Errorf("the run is void (%s): want it in a folder void%d", run.Void, i.number))
		return r
	}
	found.Run = run
	r.found = found
	return r
}

// readVoid reads the record of a void run. Its files aren't compared with it:
// they are what is left of a run that failed.
func (i item) readVoid(folder string) (*Run, error) {
	run, err := readRun(filepath.Join(folder, RunFile))
	switch {
	case err != nil:
		return nil, err
	case run == nil:
		return nil, fs.ErrNotExist
	case run.Void == "":
		return nil, errors.New("want the reason why the run is void")
	}
	if err := i.inPlace(run.Cell); err != nil {
		return nil, err
	}
	run.Number = i.number
	return run, nil
}

// inPlace returns an error if a run of cell c is in another cell's folder.
func (i item) inPlace(c matrix.Cell) error {
	if i.cell.Broker != "" && c.Top() != i.cell.Broker || c.Latency != i.cell.Latency || c.Conns != i.cell.Conns {
		return fmt.Errorf("%s is of %s: the run is in another cell's folder", RunFile, c)
	}
	return nil
}

// known reports whether a file belongs in a run's folder.
func (i item) known(name string, stored *Run) bool {
	return name == LogFile || name == RunFile || name == SidecarFile || name == LatenciesFile ||
		eventdb.Belongs(name, BrokerFile) || eventdb.Belongs(name, SubscriberFile) ||
		stored != nil && name == stored.Author.Sidecar
}

// readRun reads run.json, nil if there is none.
func readRun(name string) (*Run, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	run := new(Run)
	if err := json.Unmarshal(text, run); err != nil {
		return nil, err
	}
	return run, nil
}

// agree compares run.json with the run's place in the tree and with its files,
// which are the evidence.
func (i item) agree(run *Run, log authorLog, broker, subscriber Database) error {
	if err := i.inPlace(run.Cell); err != nil {
		return err
	}
	if d := run.Author.Elapsed - log.elapsed; d < -time.Microsecond || d > time.Microsecond {
		return fmt.Errorf("%s says that the author took %v, %s says %v", RunFile, run.Author.Elapsed, LogFile,
			log.elapsed)
	}
	if run.Author.Sent != log.events() || run.Author.Acked != log.sent {
		return fmt.Errorf("%s says %d events sent, %d acked; %s says %d and %d", RunFile,
			run.Author.Sent, run.Author.Acked, LogFile, log.events(), log.sent)
	}
	for _, d := range []struct {
		name       string
		said, have Database
	}{{BrokerFile, run.Broker, broker}, {SubscriberFile, run.Subscriber, subscriber}} {
		if d.said.Entries != d.have.Entries || !d.said.First.Equal(d.have.First) || !d.said.Last.Equal(d.have.Last) {
			return fmt.Errorf("%s says %v, %s holds %v", RunFile, d.said, d.name, d.have)
		}
	}
	return nil
}

// String describes the database for messages.
func (d Database) String() string {
	if d.Entries == 0 {
		return "no entries"
	}
	return fmt.Sprintf("%d entries from %s to %s", d.Entries, d.First.UTC().Format(time.RFC3339Nano),
		d.Last.UTC().Format(time.RFC3339Nano))
}
