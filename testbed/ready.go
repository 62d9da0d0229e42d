package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"cometbench/author"
	"cometbench/eventdb"
	"cometbench/internal/engine"
)

// start starts the parts and waits until an event that was acked by the broker
// has reached the subscriber's database: an open port is not readiness. The
// probe has another author's name, so it counts in no figure.
func (x *experiment) start(ctx context.Context) error {
	if err := x.site.prepare(ctx); err != nil {
		return err
	}
	err := together(
		func() error { return x.site.start(ctx, brokerPart) },
		func() error { return x.site.start(ctx, authorPart) },
	)
	if err != nil {
		return err
	}
	// Comet's subscriber waits a second and more before it tries again.
	if _, err := x.probe(ctx); err != nil {
		return err
	}
	if !x.watched(subscriberPart) {
		return nil
	}
	if err := x.site.start(ctx, subscriberPart); err != nil {
		return err
	}
	for {
		key, err := x.probe(ctx)
		if err != nil {
			return err
		}
		// A subscriber that wasn't attached yet will never get this probe.
		for range 2 {
			found, err := x.subscriberHas(ctx, key)
			if err != nil || found {
				return err
			}
			if err := engine.Pause(ctx, poll); err != nil {
				return fmt.Errorf("the broker acked a probe event, but it didn't reach the subscriber: %w", err)
			}
		}
	}
}

// probe sends a probe event, trying until it is acked or the context ends, and
// returns its key in an event database.
func (x *experiment) probe(ctx context.Context) (key string, err error) {
	var sent struct {
		SHA1 string `json:"sha1"`
	}
	// It ends before the step does, to say what it last met.
	if err := x.commandJSON(ctx, &sent, "probe", "-public", "-addr", x.site.brokerAddr(), "-timeout", (startDeadline * 3 / 4).String()); err != nil {
		return "", fmt.Errorf("no probe event was acked: %w", err)
	}
	return sent.SHA1, nil
}

func (x *experiment) subscriberHas(ctx context.Context, key string) (bool, error) {
	dir := filepath.Join(x.plan.scratch, "ready")
	err := x.refresh(ctx, subscriberPart, dir)
	if errors.Is(err, errChanging) {
		return false, nil // look again
	}
	if err != nil {
		return false, err
	}
	path, err := eventdb.PathOf(dir, author.ProbeFrom)
	if err != nil {
		return false, nil // not there yet
	}
	db, err := eventdb.Open(path)
	if err != nil {
		return false, nil // caught while it was written: look again
	}
	defer db.Close()
	for e, err := range db.Entries(ctx) {
		if err != nil {
			return false, nil
		}
		if string(e.Key) == key {
			return true, nil
		}
	}
	return false, nil
}

// refresh copies a part's files into a fresh folder, if need be several times,
// until none changes meanwhile.
func (x *experiment) refresh(ctx context.Context, p part, dir string) (err error) {
	for range 5 {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		if err = x.site.copyOut(ctx, p, dir); !errors.Is(err, errChanging) {
			return err
		}
	}
	return err
}
