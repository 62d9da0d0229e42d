package testbed

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cometbench/author"
	"cometbench/eventdb"
	"cometbench/internal/owner"
	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/results"
)

// reading is a clock that works while the measured phase goes on.
type reading struct {
	work       func()
	stop, done chan struct{}
}

func (r reading) StartTimer() {
	go func() {
		defer close(r.done)
		for {
			select {
			case <-r.stop:
				return
			default:
				r.work()
			}
		}
	}()
}

func (r reading) StopTimer() { close(r.stop); <-r.done }

// TestReadWhileCometWrites reads the broker's database, copied out of its
// container as a site does, while a Comet writes it: it is an error, or a part
// of what the database holds in the end, never less than before and never
// something else.
func TestReadWhileCometWrites(t *testing.T) {
	require.Docker(t)
	bed := newTestbed(t)
	for _, broker := range []string{"comet-1.1.0", "comet-3.1.0"} {
		t.Run(broker, func(t *testing.T) {
			s := prepared(t, bed, broker)
			var answers []map[string]bool
			failed := 0
			read := func() {
				out, err := exec.Command("docker", "ps", "-q", "--filter", "label="+owner.LabelOwner+"="+bed.owner.String(), "--filter", "name=-broker$").Output()
				id := strings.TrimSpace(string(out))
				if err != nil || id == "" {
					return
				}
				dir := t.TempDir()
				tar := exec.Command("docker", "exec", id, "tar", "-C", eventDBDir, "-c", ".")
				stdout, err := tar.StdoutPipe()
				if err != nil {
					t.Error(err)
					return
				}
				if err := tar.Start(); err != nil {
					t.Error(err)
					return
				}
				if errors.Join(unpack(stdout, dir), tar.Wait()) != nil { // such as "file changed as we read it"
					failed++
					return
				}
				if keys, err := keysIn(t.Context(), dir); err == nil {
					answers = append(answers, keys)
				} else {
					failed++
				}
			}
			dir := t.TempDir()
			cell := matrix.Cell{Broker: s.Broker.Label, Conns: 16, Events: 4000}
			run, err := bed.Run(t.Context(), s, cell, dir, reading{read, make(chan struct{}), make(chan struct{})})
			if err != nil {
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
			if len(final) != run.Broker.Entries || len(final) != cell.Events {
				t.Errorf("%d entries in the end, the run says %d", len(final), run.Broker.Entries)
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
			if len(answers)+failed == 0 {
				t.Error("nothing was read")
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
