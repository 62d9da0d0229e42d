package experiment

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"cometbench/author"
	"cometbench/eventdb"
	"cometbench/internal/agent"
	"cometbench/subject"
	"cometbench/testbed"
	"cometbench/vtp"
)

// start starts the roles and waits until an event that was acked by the broker
// has reached the subscriber's database: an open port is not readiness. The
// probe has another author's name, so it counts in no figure.
func (x *Experiment) start(ctx context.Context) error {
	if err := x.open(ctx); err != nil {
		return err
	}
	// The author's place is held by a role that does nothing.
	place := testbed.Role{
		Name: testbed.Author, Command: []string{"pause"},
		Threads: x.cell.Conns + 1024, // one per connection at most
	}
	err := together(
		func() error { return x.startBroker(ctx) },
		func() (err error) { x.author, err = x.backend.Start(ctx, place); return err },
	)
	if err != nil {
		return err
	}
	if x.apart() {
		if err := x.startClock(ctx); err != nil {
			return err
		}
	}
	// Comet's subscriber waits a second and more before it tries again.
	if _, err := x.probe(ctx); err != nil {
		return err
	}
	if err := x.tryDeployment(ctx); err != nil {
		return err
	}
	if !x.subject.keepsEvents(testbed.Subscriber) {
		return nil
	}
	// What is asked about the broker later needs a container of ours beside it, which
	// starts meanwhile.
	err = together(
		func() error { return x.startSubscriber(ctx) },
		func() error { _, err := x.usageOf(ctx, x.broker); return err },
	)
	if err != nil {
		return err
	}
	if err := x.startAudience(ctx); err != nil {
		return err
	}
	for {
		key, err := x.probe(ctx)
		if err != nil {
			return err
		}
		// A subscriber that wasn't attached yet will never get this probe.
		for range x.looks() {
			found, err := x.subscriberHas(ctx, key)
			if err != nil || found && x.audienceHas(ctx, key) {
				return err
			}
			if err := pause(ctx, poll); err != nil {
				return fmt.Errorf("the broker acked a probe event, but it didn't reach the subscriber: %w", err)
			}
		}
	}
}

// open makes the place for the roles, and watches over them.
func (x *Experiment) open(ctx context.Context) (err error) {
	if x.subject.Kind == subject.Remote && x.cell.Latency > 0 {
		return fmt.Errorf("no latency can be added on the way to %s, which isn't in a network of ours", x.subject.Name)
	}
	if x.subject.inContainers(x.cell) {
		x.backend, err = x.config.Testbed.Containers(ctx, x.dir, x.life())
		x.run.Pinned = x.config.Testbed.Pinned()
	} else {
		x.backend, err = x.config.Testbed.Local(ctx, x.dir, x.cell.Latency > 0)
	}
	if err != nil {
		return err
	}
	go func() {
		select {
		case err := <-x.backend.Died():
			x.die(err)
		case <-x.dead.Done():
		}
	}()
	return nil
}

// startBroker starts the broker, unless somebody else runs it.
func (x *Experiment) startBroker(ctx context.Context) error {
	role, ok := x.subject.broker(x.backend.Host())
	if x.cell.Kept && x.subject.ours(testbed.Broker) {
		role.Command = append(role.Command, "-keep-open")
	}
	if !ok {
		x.receive = x.subject.Path
		return nil
	}
	broker, err := x.backend.Start(ctx, role)
	if err != nil {
		return err
	}
	x.broker = broker
	receive, broadcast := strconv.Itoa(vtp.DefaultPort), strconv.Itoa(vtp.BroadcastPort)
	if x.subject.ours(testbed.Broker) {
		listening, err := told[agent.Listening](ctx, testbed.Broker, broker)
		if err != nil {
			return err
		}
		_, receivePort, err1 := net.SplitHostPort(listening.Receive)
		_, broadcastPort, err2 := net.SplitHostPort(listening.Broadcast)
		if err := errors.Join(err1, err2); err != nil {
			return fmt.Errorf("the broker listens on %+v: %w", listening, err)
		}
		receive, broadcast = receivePort, broadcastPort
	}
	host := broker.Address().Host
	x.receive, x.broadcast = net.JoinHostPort(host, receive), net.JoinHostPort(host, broadcast)
	return nil
}

// startSubscriber starts the subscriber, attached to the broker.
func (x *Experiment) startSubscriber(ctx context.Context) (err error) {
	x.subscriber, err = x.backend.Start(ctx, x.subject.subscriber(x.broker.Address().Host, x.broadcast))
	return err
}

// probe sends a probe event, trying until it is acked or the context ends, and
// returns its key in an event database.
func (x *Experiment) probe(ctx context.Context) (key string, err error) {
	// It ends before the step does, to say what it last met.
	timeout := startDeadline * 3 / 4
	sent, err := ask[agent.Probe](ctx, x.author, nil, "probe", "-public", "-addr", x.receive, "-timeout",
		timeout.String())
	if err != nil {
		return "", fmt.Errorf("no probe event was acked: %w", err)
	}
	return sent.SHA1, nil
}

func (x *Experiment) subscriberHas(ctx context.Context, key string) (bool, error) {
	dir := x.folder("ready")
	err := refresh(ctx, x.subscriber, dir)
	if errors.Is(err, testbed.ErrChanging) {
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
