package testbed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cometbench/images"
	"cometbench/subject"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
)

// Labels of all that is made on an engine.
const (
	labelRun   = "cometbench.run"   // the run's id
	labelOwner = "cometbench.owner" // the process that made it; see owner
)

// engine is a Docker engine that answers.
type engine struct {
	pool    *dockertest.Pool
	version string
	os      string // the platform of its containers
	arch    string
	author  string // the image that the author runs in, once it was made
	pinned  pinning
}

const dialDeadline = 10 * time.Second

// apiVersion is the version of the engine's API that this package was tried
// with (Docker 25, 2024). Engines from 1.41 to 1.52 answered the same requests
// alike in all that is used here.
const apiVersion = "1.44"

// dialEngine connects to the engine that the environment names (DOCKER_HOST),
// or to that of this machine.
func dialEngine(ctx context.Context) (*engine, error) {
	const hint = "start Docker, or set DOCKER_HOST to an engine that runs"
	pool, err := dockertest.NewPool("")
	if err != nil {
		return nil, fmt.Errorf("no Docker engine can be used (%s): %w", hint, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, dialDeadline, fmt.Errorf("no answer in %v", dialDeadline))
	defer cancel()
	// Asking for the version is the one request that needs none.
	env, err := await(ctx, pool.Client.Version)
	if err != nil {
		return nil, fmt.Errorf("no Docker engine answers (%s): %w", hint, err)
	}
	e := &engine{version: env.Get("Version"), os: env.Get("Os"), arch: env.Get("Arch")}
	if e.os != "linux" {
		return nil, fmt.Errorf("the Docker engine runs %s containers: Linux containers are needed", e.os)
	}
	speak, err := negotiate(env.Get("MinAPIVersion"), env.Get("ApiVersion"))
	if err != nil {
		return nil, fmt.Errorf("the Docker engine %s can't be used: %w", e.version, err)
	}
	if e.pool, err = versioned(pool, speak); err != nil {
		return nil, fmt.Errorf("no Docker engine can be used (%s): %w", hint, err)
	}
	return e, nil
}

// negotiate returns the version of the API to speak with an engine that takes
// those from oldest to newest: the one that was tried, or the nearest to it.
// Without a version an engine is free to guess, and the client's own guess for
// builds, 1.12 to 1.21, is refused by every engine of today.
func negotiate(oldest, newest string) (string, error) {
	speak, err := docker.NewAPIVersion(apiVersion)
	if err != nil {
		return "", err
	}
	if oldest != "" { // engines before 1.24 don't say
		least, err := docker.NewAPIVersion(oldest)
		if err != nil {
			return "", fmt.Errorf("its oldest API version: %w", err)
		}
		if speak.LessThan(least) {
			speak = least
		}
	}
	most, err := docker.NewAPIVersion(newest)
	if err != nil {
		return "", fmt.Errorf("its API version: %w", err)
	}
	if most.LessThan(speak) {
		speak = most
	}
	return speak.String(), nil
}

// versioned returns a pool on the same engine whose every request names the
// version of the API. The client can't be told later: a new one takes over how
// the first one reaches the engine.
func versioned(pool *dockertest.Pool, version string) (*dockertest.Pool, error) {
	endpoint := pool.Client.Endpoint()
	if pool.Client.TLSConfig != nil {
		endpoint = strings.Replace(endpoint, "tcp://", "https://", 1)
	}
	client, err := docker.NewVersionedClient(endpoint, version)
	if err != nil {
		return nil, err
	}
	client.HTTPClient, client.TLSConfig, client.Dialer = pool.Client.HTTPClient, pool.Client.TLSConfig, pool.Client.Dialer
	client.SkipServerVersionCheck = true
	return &dockertest.Pool{Client: client, MaxWait: pool.MaxWait}, nil
}

// await does what takes no context of its own (much of the engine's client),
// and waits for it no longer than until ctx ends. It goes on after that, until
// the engine answers; what it makes is found by its label.
func await[T any](ctx context.Context, do func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := do()
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// awaitDone is await for what returns nothing but an error.
func awaitDone(ctx context.Context, do func() error) error {
	_, err := await(ctx, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

func (e *engine) String() string { return "docker " + e.version }

// prepare makes the image of a broker ready.
func (e *engine) prepare(ctx context.Context, c Config, b subject.Subject) (*images.Image, error) {
	builder := images.Builder{Client: e.pool.Client, CABundle: c.CABundle}
	return builder.Ensure(ctx, b)
}

// prepareContainers makes ready what runs in containers need, before the first
// of them: the image that the author runs in, from our command as it is built
// for the engine's platform.
func (t *Testbed) prepareContainers(ctx context.Context) error {
	if t.engine == nil {
		return t.engineErr
	}
	e := t.engine
	if e.author != "" {
		return nil
	}
	t.config.Status("building the cometbench command for containers")
	ctx, cancel := context.WithTimeoutCause(ctx, buildDeadline, fmt.Errorf("not done after %v", buildDeadline))
	defer cancel()
	executable, err := t.config.Executable(ctx, t.builds, e.os, e.arch)
	if err != nil {
		return err
	}
	builder := images.Builder{Client: e.pool.Client}
	author, err := builder.Author(ctx, executable, map[string]string{labelOwner: t.owner.String()})
	if err != nil {
		return err
	}
	if t.config.Pin {
		if e.pinned, err = e.pin(ctx, author, t.owner); err != nil {
			return err
		}
	}
	e.author = author
	return nil
}

// labels returns the labels of what a run makes.
func labels(run string, o owner) map[string]string {
	return map[string]string{labelRun: run, labelOwner: o.String()}
}

// short shortens a container's id as the docker command does.
func short(id string) string { return strings.TrimPrefix(id, "sha256:")[:12] }

// find returns the id of an image that somebody else made. Nothing is pulled:
// what runs is what the user has looked at.
func (e *engine) find(ctx context.Context, reference string) (id string, err error) {
	image, err := e.inspect(ctx, reference)
	if errors.Is(err, docker.ErrNoSuchImage) {
		return "", fmt.Errorf("the engine has no image %s: build it, or try \"docker pull %s\"", reference, reference)
	}
	if err != nil {
		return "", err
	}
	return image.ID, nil
}

// lacks reports whether an image certainly isn't on the engine.
func (e *engine) lacks(ctx context.Context, reference string) bool {
	_, err := e.inspect(ctx, reference)
	return errors.Is(err, docker.ErrNoSuchImage)
}

// inspect looks at an image, by its tag or id.
func (e *engine) inspect(ctx context.Context, reference string) (*docker.Image, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, dialDeadline, fmt.Errorf("no answer in %v", dialDeadline))
	defer cancel()
	image, err := await(ctx, func() (*docker.Image, error) { return e.pool.Client.InspectImage(reference) })
	if err != nil && !errors.Is(err, docker.ErrNoSuchImage) {
		return nil, fmt.Errorf("look at image %s: %w", reference, err)
	}
	return image, err
}
