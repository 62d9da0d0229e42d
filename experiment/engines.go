package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
	"cometbench/subject"
	"cometbench/testbed"
)

// Author and broker may be on two engines, and so on two machines: apart. Then the
// round trip between these is measured without latency too, and each machine is
// described by its engine.

// farthest is the longest round trip between two engines: deadlines allow for it.
const farthest = time.Second

// engineFlags are those of two engines.
type engineFlags struct{ author, broker string }

func (f *Flags) defineEngines() {
	f.set.StringVar(&f.engines.author, "author-engine", "", "run the author on another Docker `engine` than the "+
		"broker, one in the same swarm:\nunix://PATH, tcp://HOST:PORT, ssh://HOST or a Docker context")
	f.set.StringVar(&f.engines.broker, "broker-engine", "", "run broker and subscriber on this Docker `engine`, and "+
		"the author on that of\n-author-engine, or the one that docker would use")
}

// given reports whether two engines are asked for.
func (e engineFlags) given() bool { return e != engineFlags{} }

// apply refuses what two engines can't be asked for.
func (e engineFlags) apply(o *Options) error {
	if !e.given() {
		return nil
	}
	if e.author == e.broker {
		return fmt.Errorf("-author-engine: %q is -broker-engine too: want two engines, or DOCKER_HOST for one",
			e.author)
	}
	if o.Overlap > 1 {
		return errors.New("-overlap: with -author-engine or -broker-engine: what two machines have room for isn't " +
			"known: want -overlap=1")
	}
	for _, b := range o.Brokers {
		if b.Kind == subject.Remote {
			return fmt.Errorf("-author-engine, -broker-engine: %s is started by somebody else: want brokers that "+
				"can be started on an engine", b.Name)
		}
	}
	o.Testbed.AuthorEngine, o.Testbed.BrokerEngine = e.author, e.broker
	return nil
}

// describeHosts finds out on which machines containers run, if that isn't this one.
// Engines don't tell the kind of processor.
func (c *Config) describeHosts(ctx context.Context) error {
	apart := c.Testbed.Apart()
	if !apart && !c.Testbed.Elsewhere() {
		return nil
	}
	broker, author, err := c.Testbed.Hosts(ctx)
	if err != nil {
		return err
	}
	of := func(h testbed.Host) *results.Machine {
		return &results.Machine{Engine: h.Engine, Kernel: h.Kernel, Cores: h.Cores,
			Procs: c.Machine.Procs, OS: c.Machine.OS, Arch: c.Machine.Arch}
	}
	c.Containers = of(broker)
	if apart {
		c.AuthorMachine = of(author)
	}
	return nil
}

// machineOf returns the machine on which a subject's runs in the cell are made.
func (c *Config) machineOf(s *Subject, cell matrix.Cell) results.Machine {
	if c.Containers != nil && s.inContainers(cell) {
		return *c.Containers
	}
	return c.Machine
}

// apart reports whether author and broker are on two machines.
func (x *Experiment) apart() bool { return x.config.Testbed.Apart() }

// longestWay is the longest time that what the author sends, and is answered, may
// be on its way.
func (x *Experiment) longestWay() time.Duration {
	if x.apart() {
		return x.cell.Latency + farthest
	}
	return x.cell.Latency
}

// checkDistance measures the round trip between two machines again after the author
// has ended and nothing is delayed any more, and reads their clocks again.
func (x *Experiment) checkDistance(ctx context.Context) error {
	if !x.apart() {
		return nil
	}
	if err := x.readClock(ctx); err != nil {
		return err
	}
	x.run.Clocks = x.clocks.between()
	after, err := x.roundTrip(ctx, roundTripsAfter, 3)
	if err != nil {
		return fmt.Errorf("after the run: %w", err)
	}
	if before := x.run.BaseRTT; max(before-after, after-before) > netem.Tolerance(before) {
		x.warn("the round trip between the machines was %v before the run and %v after it: theory has the former",
			before.Round(time.Microsecond), after.Round(time.Microsecond))
	}
	return nil
}
