package experiment

import (
	"context"
	"path/filepath"
	"testing"

	"cometbench/author"
	"cometbench/eventdb"
	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/results"
)

// TestReadWhileCometWrites reads the broker's database, copied out of its
// container as an experiment does, while a Comet writes it: it is an error, or a part
// of what the database holds in the end, never less than before and never
// something else.
func TestReadWhileCometWrites(t *testing.T) {
	require.Docker(t)
	c := newConfig(t)
	for _, broker := range []string{"comet-1.1.0", "comet-3.1.0"} {
		t.Run(broker, func(t *testing.T) {
			s := prepared(t, c, broker)
			dir := t.TempDir()
			cell := matrix.Cell{Broker: s.Label, Conns: 16, Events: 4000}
			x := started(t, c, s, cell, dir)
			sent := make(chan error, 1)
			go func() {
				_, err := x.Send(t.Context(), x.load())
				sent <- err
			}()
			var answers []map[string]bool
			failed := 0
			for done := false; !done; {
				select {
				case err := <-sent:
					if err != nil {
						t.Fatal(err)
					}
					done = true
				default:
				}
				copied := t.TempDir()
				if x.broker.CopyOut(t.Context(), copied) != nil { // such as testbed.ErrChanging
					failed++
					continue
				}
				if keys, err := keysIn(t.Context(), copied); err == nil {
					answers = append(answers, keys)
				} else {
					failed++
				}
			}
			if err := x.End(t.Context()); err != nil {
				t.Fatal(err)
			}
			db, err := eventdb.Open(filepath.Join(dir, results.BrokerFile))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			final := make(map[string]bool)
			for e, err := range db.Entries(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				final[string(e.Key)] = true
			}
			if len(final) != x.run.Broker.Entries || len(final) != cell.Events {
				t.Errorf("%d entries in the end, the run says %d, want %d",
					len(final), x.run.Broker.Entries, cell.Events)
			}
			before := 0
			for _, keys := range answers {
				if len(keys) < before {
					t.Errorf("%d entries after %d", len(keys), before)
				}
				before = len(keys)
				for key := range keys {
					if !final[key] {
						t.Errorf("an entry that isn't there in the end: %s", key)
						break
					}
				}
			}
			t.Logf("%d answers, the last of %d entries, and %d errors", len(answers), before, failed)
			if before != cell.Events {
				t.Errorf("the last answer, after the last event, has %d entries, want %d", before, cell.Events)
			}
		})
	}
}

// keysIn returns the keys of the measured database in a folder.
func keysIn(ctx context.Context, dir string) (map[string]bool, error) {
	path, err := eventdb.PathOf(dir, author.DefaultFrom)
	if err != nil {
		return nil, err
	}
	db, err := eventdb.Open(path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	keys := make(map[string]bool)
	for e, err := range db.Entries(ctx) {
		if err != nil {
			return nil, err
		}
		keys[string(e.Key)] = true
	}
	return keys, nil
}
