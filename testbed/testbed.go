// Package testbed starts the roles of experiments, and removes them: in
// containers of a Docker engine, or in processes and network namespaces of this
// machine. It knows nothing of events.
package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"cometbench/images"
	"cometbench/internal/engine"
	"cometbench/internal/owner"
	"cometbench/subject"
)

// Config says what a testbed is made of.
type Config struct {
	// Executable returns the path of a static cometbench command for a
	// platform, which it may make in the folder dir: [Build] where there is
	// none yet. It is asked for what runs in containers.
	Executable func(ctx context.Context, dir, goos, goarch string) (string, error)
	// Command is the executable that runs as the roles on this machine, with
	// the subcommands of cometbench's package agent: by default, Executable's.
	// A process that has them names itself, and saves the time of building.
	Command string
	// CABundle is a file of certificates that building an image must trust;
	// by default it is found in the usual environment variables.
	CABundle string
	// Pin gives the broker's container one processor and all others the rest,
	// where the engine has two or more. Without it the rate of a Comet depends
	// on where the kernel puts broker and subscriber from moment to moment: at
	// 8 connections on 2 cores, that of 3.1.0 varied from run to run by 17 %,
	// by 4 % with it, and was a third higher. A broker that computes on more
	// than one processor at a time is held back by it.
	Pin bool
	// BrokerEngine and AuthorEngine name the engine of broker and subscriber, and that
	// of the author, where they are two: see [engine.Dial]. They must be in one swarm.
	// By default all roles are on the engine that the docker command would use.
	BrokerEngine, AuthorEngine string
	// Files are what our command finds, by name, in the folder that
	// [Testbed.Files] returns, wherever it runs.
	Files map[string][]byte
	// Status shows what is being prepared, for a person; nil shows nothing.
	Status func(format string, args ...any)
}

// Deadlines of what isn't part of an experiment. Each is far above what a
// working machine needs.
const (
	buildDeadline = 10 * time.Minute // our command built for the engine
	closeDeadline = time.Minute      // what is left removed
)

// Testbed holds what outlives an experiment: the command that its roles
// execute, the engine's connection, folders. Its methods may be called at the
// same time.
type Testbed struct {
	config    Config
	owner     owner.Owner
	scratch   string // folder for the files of experiments, in memory where there is such a thing
	builds    string // folder for our command
	command   string // our command, for this machine
	janitor   *engine.Janitor
	engine    *engine.Engine // of broker and subscriber; nil where none answers
	engineErr error          // why none answers
	authors   *engine.Engine // of the author, nil where that is the same
	networks  *engine.Engine // makes networks between the two

	mu      sync.Mutex
	images  map[*engine.Engine]string // of our command, once they were made
	pinning pinning
}

// New makes a testbed: it removes what runs of processes that have died left
// on this machine and its engine, and has what this process makes removed if
// it dies. A machine without an engine is no error here.
func New(ctx context.Context, c Config) (_ *Testbed, err error) {
	if c.Executable == nil {
		return nil, errors.New("testbed: no executable given")
	}
	if os.Getenv(engine.JanitorVariable) != "" {
		return nil, fmt.Errorf("testbed: the executable %s was started as the janitor of a testbed, but isn't the "+
			"cometbench command", os.Args[0])
	}
	if c.Status == nil {
		c.Status = func(string, ...any) {}
	}
	t := &Testbed{config: c}
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
	if err := t.writeFiles(); err != nil {
		return nil, err
	}
	if t.command = c.Command; t.command == "" {
		if t.command, err = c.Executable(ctx, t.builds, runtime.GOOS, runtime.GOARCH); err != nil {
			return nil, err
		}
	}
	if t.janitor, err = engine.StartJanitor(t.command, t.owner, c.engines(), t.scratch, t.builds); err != nil {
		return nil, err
	}
	if err := t.dial(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, closeDeadline, fmt.Errorf("not done after %v", closeDeadline))
	defer cancel()
	err = t.onEngines(func(e *engine.Engine) error { return e.Sweep(ctx, t.owner) })
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Engine returns the container engine's name and version, such as "docker
// 20.10.24", "" where none answers.
func (t *Testbed) Engine() string {
	if t.engine == nil {
		return ""
	}
	return t.engine.String()
}

// Files returns the folder of the files of the configuration, as roles see it that
// run in containers, or on this machine.
func (t *Testbed) Files(contained bool) string {
	if contained {
		return images.FilesFolder
	}
	return filepath.Join(t.builds, "files")
}

// writeFiles writes those of this machine.
func (t *Testbed) writeFiles() error {
	if err := os.Mkdir(t.Files(false), 0o700); err != nil {
		return err
	}
	for name, body := range t.config.Files {
		if err := os.WriteFile(filepath.Join(t.Files(false), name), body, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Pinned says in words which processors containers are kept to, "" where the
// kernel chooses, or no container was prepared.
func (t *Testbed) Pinned() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pinning.String()
}

// Folder makes a folder for the files of one experiment, in memory where this
// system has such a thing. Its caller removes it.
func (t *Testbed) Folder() (string, error) { return os.MkdirTemp(t.scratch, "run-") }

// Image makes a Comet ready to run in containers: its image is built if the engine
// doesn't have it.
func (t *Testbed) Image(ctx context.Context, s subject.Subject) (*images.Image, error) {
	if t.engine == nil {
		return nil, t.noEngine()
	}
	t.config.Status("preparing the image of %s", s.Name)
	prepared := make(chan error, 1)
	go func() { prepared <- t.PrepareContainers(ctx) }() // the go command is at work while packages are downloaded
	image, err := t.builder(t.engine).Ensure(ctx, s)
	return image, errors.Join(err, <-prepared)
}

// FindImage makes an image that somebody else made ready to run in containers, and
// returns its id. Nothing is pulled: what runs is what the user has looked at.
func (t *Testbed) FindImage(ctx context.Context, reference string) (id string, err error) {
	if t.engine == nil {
		return "", t.noEngine()
	}
	if id, err = t.engine.Find(ctx, reference); err != nil {
		return "", err
	}
	return id, t.PrepareContainers(ctx)
}

func (t *Testbed) noEngine() error { return fmt.Errorf("it runs in containers: %w", t.engineErr) }

// PrepareContainers makes ready what roles in containers need, before the first
// of them: the image of our command, as it is built for the engine's platform.
func (t *Testbed) PrepareContainers(ctx context.Context) error {
	if t.engine == nil {
		return t.noEngine()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.images != nil {
		return nil
	}
	t.config.Status("building the cometbench command for containers")
	ctx, cancel := context.WithTimeoutCause(ctx, buildDeadline, fmt.Errorf("not done after %v", buildDeadline))
	defer cancel()
	made := make(map[*engine.Engine]string)
	for _, e := range t.engines() {
		executable, err := t.config.Executable(ctx, t.builds, e.OS, e.Arch)
		if err != nil {
			return err
		}
		if made[e], err = t.builder(e).Author(ctx, executable, t.config.Files); err != nil {
			return err
		}
	}
	if t.config.Pin && !t.Apart() {
		var err error
		if t.pinning, err = pin(ctx, t.engine, made[t.engine], t.owner); err != nil {
			return err
		}
	}
	t.images = made
	return nil
}

// builder returns what makes images for this testbed on an engine.
func (t *Testbed) builder(e *engine.Engine) *images.Builder {
	return &images.Builder{
		Client: e.Pool.Client, CABundle: t.config.CABundle, Dir: t.builds,
		Owner: t.owner.String(),
	}
}

// Others returns how many other benchmarks run on this machine or its engines:
// they take processor time from what is measured here.
func (t *Testbed) Others(ctx context.Context) (int, error) {
	others, err := owner.Others(t.owner)
	if err != nil {
		return len(others), err
	}
	for _, e := range t.engines() {
		onEngine, err := e.Others(ctx, t.owner)
		if err != nil {
			return len(others), err
		}
		for _, o := range onEngine {
			if !slices.Contains(others, o) {
				others = append(others, o)
			}
		}
	}
	return len(others), nil
}

// Close removes everything that the testbed still holds.
func (t *Testbed) Close() error {
	var errs []error
	ctx, cancel := context.WithTimeout(context.Background(), closeDeadline)
	defer cancel()
	errs = append(errs, t.onEngines(func(e *engine.Engine) error { return e.RemoveOwned(ctx, t.owner) }))
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
