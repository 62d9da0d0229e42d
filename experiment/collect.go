package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"cometbench/author"
	"cometbench/eventdb"
	"cometbench/results"
	"cometbench/testbed"
)

const (
	// settling is how long the subscriber's database must not have grown
	// until what isn't in it is missing.
	settling = 3 * time.Second
	poll     = 50 * time.Millisecond
)

// settle waits until the subscriber's database holds every acked event, or
// hasn't grown for the settling time: what isn't there then is missing.
func (x *Experiment) settle(ctx context.Context) error {
	if x.subscriber == nil {
		return nil
	}
	if err := x.await(ctx); err != nil {
		return err
	}
	if err := x.awaitAudience(ctx); err != nil {
		return err
	}
	return x.noteSubscriber()
}

// await waits until then.
func (x *Experiment) await(ctx context.Context) error {
	var entries int
	for grown, first := time.Now(), true; ; first = false {
		// An error may be a database that was caught while it was written.
		err := x.read(ctx, testbed.Subscriber, x.subscriber, &x.run.Subscriber)
		n := x.run.Subscriber.Entries
		if first {
			x.noteUnread()
		}
		if err == nil && n >= x.acked {
			return nil
		}
		if errors.Is(err, testbed.ErrFull) {
			return err
		}
		if n > entries || errors.Is(err, testbed.ErrChanging) {
			entries, grown = n, time.Now()
		}
		if time.Since(grown) > settling {
			return err
		}
		if waited := pause(ctx, poll); waited != nil {
			return errors.Join(waited, err)
		}
	}
}

// read copies a role's event databases and reads the measured one.
func (x *Experiment) read(ctx context.Context, role string, p testbed.Process, into *results.Database) error {
	dir := x.folder(role)
	if err := refresh(ctx, p, dir); err != nil {
		return err
	}
	path, err := eventdb.PathOf(dir, author.DefaultFrom)
	if err != nil {
		return fmt.Errorf("%s: %w", role, err)
	}
	database, err := results.ReadDatabase(ctx, path)
	if err != nil {
		return fmt.Errorf("%s's event database: %w", role, err)
	}
	if database.Entries > x.sent {
		return fmt.Errorf("%s's event database holds %d events, but only %d were sent", role, database.Entries, x.sent)
	}
	*into = database
	return nil
}

// refresh copies a role's files into a fresh folder, if need be several times,
// until none changes meanwhile.
func refresh(ctx context.Context, p testbed.Process, dir string) (err error) {
	for range 5 {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		if err = p.CopyOut(ctx, dir); !errors.Is(err, testbed.ErrChanging) {
			return err
		}
	}
	return err
}

// collect reads the broker's database, and keeps the run's files.
func (x *Experiment) collect(ctx context.Context) error {
	log := x.folder(testbed.Author)
	err := together(
		func() error {
			if !x.subject.keepsEvents(testbed.Broker) {
				return nil
			}
			return x.read(ctx, testbed.Broker, x.broker, &x.run.Broker)
		},
		func() error { return refresh(ctx, x.author, log) },
	)
	if err != nil {
		return err
	}
	if err := x.trace(ctx); err != nil {
		return err
	}
	if n := x.acked - x.run.Subscriber.Entries; n > 0 && x.subscriber != nil {
		x.warn("%d acked events aren't in the subscriber's database", n)
		x.warnOfAliveCheck()
	}
	if x.keep == "" {
		return nil
	}
	for role, name := range map[string]string{
		testbed.Broker: results.BrokerFile, testbed.Subscriber: results.SubscriberFile,
	} {
		path, err := eventdb.PathOf(x.folder(role), author.DefaultFrom)
		if err == nil {
			err = eventdb.Copy(filepath.Join(x.keep, name), path)
		}
		if err != nil {
			return err
		}
	}
	return copyFile(filepath.Join(log, results.LogFile), filepath.Join(x.keep, results.LogFile))
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
