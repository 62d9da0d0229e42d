package testbed

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"cometbench/internal/engine"
)

// Apart reports whether author and broker are on two engines, and so on two
// machines.
func (t *Testbed) Apart() bool { return t.authors != nil }

// Elsewhere reports whether containers run on another machine than this one.
func (t *Testbed) Elsewhere() bool { return t.engine != nil && t.engine.Elsewhere }

// engines returns the names of the engines.
func (c Config) engines() []string {
	if c.BrokerEngine == c.AuthorEngine {
		return []string{c.BrokerEngine}
	}
	return []string{c.BrokerEngine, c.AuthorEngine}
}

// dial connects to the engines. That none answers is an error where two are
// named.
func (t *Testbed) dial(ctx context.Context) (err error) {
	c := t.config
	t.engine, t.engineErr = engine.Dial(ctx, c.BrokerEngine)
	if c.BrokerEngine == c.AuthorEngine {
		return nil
	}
	if t.engineErr != nil {
		return fmt.Errorf("the broker's engine: %w", t.engineErr)
	}
	if t.authors, err = engine.Dial(ctx, c.AuthorEngine); err != nil {
		return fmt.Errorf("the author's engine: %w", err)
	}
	if t.networks, err = engine.Joined(ctx, t.engine, t.authors); err != nil {
		return fmt.Errorf("author and broker on two engines: %w", err)
	}
	return nil
}

// engines returns those that answer.
func (t *Testbed) engines() []*engine.Engine {
	switch {
	case t.engine == nil:
		return nil
	case t.Apart():
		return []*engine.Engine{t.engine, t.authors}
	}
	return []*engine.Engine{t.engine}
}

// onEngines does something on all engines, side by side: what is on one may keep
// what is on the other.
func (t *Testbed) onEngines(do func(*engine.Engine) error) error {
	engines := t.engines()
	errs := make([]error, len(engines))
	var all sync.WaitGroup
	for i, e := range engines {
		all.Go(func() { errs[i] = do(e) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// engineOf returns the engine on which a role is started: the subscriber is beside
// the broker, so that nothing but the author's way to it is another than on one
// engine, and both have one clock.
func (t *Testbed) engineOf(r Role) *engine.Engine {
	if beside, ok := r.Beside.(*container); ok {
		return beside.engine
	}
	if r.Name == Author && t.Apart() {
		return t.authors
	}
	return t.engine
}

// Host is a machine whose engine runs roles.
type Host struct {
	// Engine is the engine's name and version.
	Engine string
	// Kernel is such as "linux 6.1.0", and Cores how many processors it has.
	Kernel string
	Cores  int
}

// Hosts asks the engines for their machines: that of broker and subscriber, and the
// author's, which are the same unless they are apart.
func (t *Testbed) Hosts(ctx context.Context) (broker, author Host, err error) {
	authors := t.authors
	if !t.Apart() {
		authors = t.engine
	}
	var errs [2]error
	for i, of := range []struct {
		engine *engine.Engine
		host   *Host
	}{{t.engine, &broker}, {authors, &author}} {
		var h engine.Host
		h, errs[i] = of.engine.Host(ctx)
		*of.host = Host{of.engine.String(), of.engine.OS + " " + h.Kernel, h.Cores}
	}
	return broker, author, errors.Join(errs[:]...)
}
