// Package testbed runs the experiment, one run at a time, start to clean-up:
// in containers of a Docker engine, or in processes and network namespaces of
// this machine.
package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"cometbench/author"
	"cometbench/images"
	"cometbench/internal/cpuidle"
	"cometbench/internal/engine"
	"cometbench/internal/owner"
	"cometbench/internal/program"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
	"cometbench/subject"
)

// Config says what a testbed is made of. The zero value uses what the machine
// has.
type Config struct {
	// Executable returns the path of a static cometbench command for a
	// platform, which it may make in the folder dir: [Build] where there is
	// none yet. It is asked for what runs in containers.
	Executable func(ctx context.Context, dir, goos, goarch string) (string, error)
	// Command is the executable that runs as the parts on this machine, with
	// the subcommands of cometbench's package part: by default, Executable's.
	// A process that has them names itself, and saves the time of building.
	Command string
	// Netem is the kind of delay to use, netem.Auto by default.
	Netem netem.Kind
	// CABundle is a file of certificates that building an image must trust;
	// by default it is found in the usual environment variables.
	CABundle string
	// Public consents to sending test events to a broker of somebody else
	// whose address isn't private.
	Public bool
	// Pin gives the broker's container one processor and all others the rest,
	// where the engine has two or more. Without it the rate of a Comet depends
	// on where the kernel puts broker and subscriber from moment to moment: at
	// 8 connections on 2 cores, that of 3.1.0 varied from run to run by 17 %,
	// by 4 % with it, and was a third higher. A broker that computes on more
	// than one processor at a time is held back by it.
	Pin bool
	// Status shows what is being prepared, for a person; nil shows nothing.
	Status func(format string, args ...any)
}

// Testbed holds what outlives a run: the command that its parts execute, the
// engine's connection, the images, a folder in memory.
type Testbed struct {
	config    Config
	owner     owner.Owner
	scratch   string // folder for runs' files, in memory where there is such a thing
	builds    string // folder for our command
	command   string // our command, for this machine
	program   program.Info
	janitor   *engine.Janitor
	engine    *engine.Engine // nil where none answers
	engineErr error          // why none answers
	author    string         // the image that the author runs in, once it was made
	pinned    pinning
	cpuidle   *os.File // keeps processors from sleeping; nil where nothing does
	sent      counter  // of the current run
}

// New makes a testbed: it removes what runs of processes that have died left
// on this machine and its engine, and has what this process makes removed if
// it dies. A machine without an engine is no error here; see [Testbed.Engine].
func New(ctx context.Context, c Config) (_ *Testbed, err error) {
	if c.Executable == nil {
		return nil, errors.New("testbed: no executable given")
	}
	if os.Getenv(engine.JanitorVariable) != "" {
		return nil, fmt.Errorf("testbed: the executable %s was started as the janitor of a testbed, but isn't the cometbench command", os.Args[0])
	}
	if c.Netem == "" {
		c.Netem = netem.Auto
	}
	if c.Status == nil {
		c.Status = func(string, ...any) {}
	}
	t := &Testbed{config: c, program: program.Read()}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("testbed: %w", err), t.Close())
		}
	}()
	if t.owner, err = owner.Self(); err != nil {
		return nil, err
	}
	if err := owner.SweepScratch(t.owner); err != nil {
		return nil, err
	}
	if t.scratch, err = owner.MakeScratch(owner.Memory(), t.owner); err != nil {
		return nil, err
	}
	if t.builds, err = owner.MakeScratch(os.TempDir(), t.owner); err != nil {
		return nil, err
	}
	if t.command = c.Command; t.command == "" {
		if t.command, err = c.Executable(ctx, t.builds, runtime.GOOS, runtime.GOARCH); err != nil {
			return nil, err
		}
	}
	if t.janitor, err = engine.StartJanitor(t.command, t.owner, t.scratch, t.builds); err != nil {
		return nil, err
	}
	if t.engine, t.engineErr = engine.Dial(ctx); t.engine != nil {
		ctx, cancel := context.WithTimeoutCause(ctx, closeDeadline, fmt.Errorf("not done after %v", closeDeadline))
		defer cancel()
		if err := t.engine.Sweep(ctx, t.owner); err != nil {
			return nil, err
		}
	}
	t.cpuidle = cpuidle.Prevent()
	return t, nil
}

// Engine returns the container engine's name and version, such as "docker
// 20.10.24", or an error that says why none can be used.
func (t *Testbed) Engine() (string, error) {
	if t.engine == nil {
		return "", t.engineErr
	}
	return t.engine.String(), nil
}

// Machine describes the machine that runs what the testbed starts.
func (t *Testbed) Machine() results.Machine {
	m := machine()
	if t.engine != nil {
		m.Engine = t.engine.String()
	}
	if t.cpuidle != nil {
		m.Idle = "polling"
	}
	return m
}

// Subject is a broker under test, ready to be run.
type Subject struct {
	Broker   subject.Subject // its label is whole: cells and folders are named by it
	Software subject.Software
	image    *images.Image // nil where it isn't a Comet in an image
	// contained runs what isn't a Comet in containers too: an image of somebody
	// else's, or the embedded broker, where processes can't be delayed.
	contained bool
}

// Prepare makes a broker ready to run: its image is built if this engine
// doesn't have it.
func (t *Testbed) Prepare(ctx context.Context, b subject.Subject) (*Subject, error) {
	s := &Subject{Broker: b}
	switch b.Kind {
	case subject.Embedded:
		return s, nil
	case subject.Remote:
		if !t.config.Public {
			if err := author.CheckPrivate(ctx, b.Path); err != nil {
				return nil, fmt.Errorf("testbed: broker %s: %w", b.Name, err)
			}
		}
		return s, nil
	}
	if t.engine == nil {
		return nil, fmt.Errorf("testbed: broker %s runs in containers: %w", b.Name, t.engineErr)
	}
	if b.Kind == subject.Foreign {
		id, err := t.engine.Find(ctx, b.Path)
		if err == nil {
			err = t.prepareContainers(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("testbed: broker %s: %w", b.Name, err)
		}
		s.contained, s.Software.Image = true, id
		return s, nil
	}
	t.config.Status("preparing the image of %s", b.Name)
	var im *images.Image
	err := together(
		func() (err error) { im, err = t.builder().Ensure(ctx, b); return err },
		// The go command is at work while packages are downloaded.
		func() error { return t.prepareContainers(ctx) },
	)
	if err != nil {
		return nil, fmt.Errorf("testbed: %w", err)
	}
	s.Broker, s.image, s.Software = im.Subject, im, im.Software
	return s, nil
}

// site makes the site of a run: containers for an image, else processes of
// this machine.
func (t *Testbed) site(ctx context.Context, s *Subject, run runPlan) (site, error) {
	if s.Broker.Kind == subject.Remote && run.cell.Latency > 0 {
		return nil, fmt.Errorf("no latency can be added on the way to %s, which isn't in a network of ours", s.Broker.Name)
	}
	if t.inContainers(s, run.cell) {
		return t.containers(s, run), nil
	}
	return newLocal(t, s, run)
}

// inContainers reports whether a broker's runs of a cell are made in containers
// of the engine.
func (t *Testbed) inContainers(s *Subject, c matrix.Cell) bool {
	return s.image != nil || s.contained || needsContainers(c)
}

// needsContainers reports whether this system can't delay what a process sends.
func needsContainers(c matrix.Cell) bool {
	return c.Latency > 0 && runtime.GOOS != "linux"
}

// prepareContainers makes ready what runs in containers need, before the first
// of them: the image that the author runs in, from our command as it is built
// for the engine's platform.
func (t *Testbed) prepareContainers(ctx context.Context) error {
	if t.engine == nil {
		return t.engineErr
	}
	if t.author != "" {
		return nil
	}
	t.config.Status("building the cometbench command for containers")
	ctx, cancel := context.WithTimeoutCause(ctx, buildDeadline, fmt.Errorf("not done after %v", buildDeadline))
	defer cancel()
	executable, err := t.config.Executable(ctx, t.builds, t.engine.OS, t.engine.Arch)
	if err != nil {
		return err
	}
	author, err := t.builder().Author(ctx, executable)
	if err != nil {
		return err
	}
	if t.config.Pin {
		if t.pinned, err = pin(ctx, t.engine, author, t.owner); err != nil {
			return err
		}
	}
	t.author = author
	return nil
}

// builder returns what makes images for this testbed.
func (t *Testbed) builder() *images.Builder {
	return &images.Builder{
		Client: t.engine.Pool.Client, CABundle: t.config.CABundle, Dir: t.builds,
		Labels: map[string]string{owner.LabelOwner: t.owner.String()},
	}
}

// Close removes everything that the testbed still holds.
func (t *Testbed) Close() error {
	var errs []error
	if t.cpuidle != nil {
		errs = append(errs, t.cpuidle.Close())
	}
	if t.engine != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeDeadline)
		defer cancel()
		errs = append(errs, t.engine.RemoveOwned(ctx, t.owner))
	}
	if t.scratch != "" {
		errs = append(errs, os.RemoveAll(t.scratch))
	}
	if t.janitor != nil {
		errs = append(errs, t.janitor.Dismiss())
	}
	if t.builds != "" { // the janitor's command is in it
		errs = append(errs, os.RemoveAll(t.builds))
	}
	return errors.Join(errs...)
}
