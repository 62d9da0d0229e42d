// Package engine speaks with a Docker engine, and removes what benchmarks have
// left on it.
package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
)

// Engine is a Docker engine that answers.
type Engine struct {
	// Pool is the connection. Its requests take contexts where it knows them;
	// [Await] bounds the others.
	Pool     *dockertest.Pool
	Version  string
	OS, Arch string // the platform of its containers
}

// Answer is how long a small question to an engine may take.
const Answer = 10 * time.Second

// apiVersion is the version of the engine's API that this package was tried
// with (Docker 25, 2024). Engines from 1.41 to 1.52 answered the same requests
// alike in all that is used here.
const apiVersion = "1.44"

// Dial connects to the engine that the environment names (DOCKER_HOST),
// or to that of this machine.
func Dial(ctx context.Context) (*Engine, error) {
	const hint = "start Docker, or set DOCKER_HOST to an engine that runs"
	pool, err := dockertest.NewPool("")
	if err != nil {
		return nil, fmt.Errorf("no Docker engine can be used (%s): %w", hint, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Answer, fmt.Errorf("no answer in %v", Answer))
	defer cancel()
	// Asking for the version is the one request that needs none.
	env, err := Await(ctx, pool.Client.Version)
	if err != nil {
		return nil, fmt.Errorf("no Docker engine answers (%s): %w", hint, err)
	}
	e := &Engine{Version: env.Get("Version"), OS: env.Get("Os"), Arch: env.Get("Arch")}
	if e.OS != "linux" {
		return nil, fmt.Errorf("the Docker engine runs %s containers: Linux containers are needed", e.OS)
	}
	speak, err := negotiate(env.Get("MinAPIVersion"), env.Get("ApiVersion"))
	if err != nil {
		return nil, fmt.Errorf("the Docker engine %s can't be used: %w", e.Version, err)
	}
	if e.Pool, err = versioned(pool, speak); err != nil {
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

// Await does what takes no context of its own (much of the engine's client),
// and waits for it no longer than until ctx ends. It goes on after that, until
// the engine answers; what it makes is found by its label.
func Await[T any](ctx context.Context, do func() (T, error)) (T, error) {
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

// AwaitDone is Await for what returns nothing but an error.
func AwaitDone(ctx context.Context, do func() error) error {
	_, err := Await(ctx, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// String returns the name and version, such as "docker 20.10.24".
func (e *Engine) String() string { return "docker " + e.Version }

// short shortens a container's id as the docker command does.
func short(id string) string { return strings.TrimPrefix(id, "sha256:")[:12] }

// Find returns the id of an image that somebody else made. Nothing is pulled:
// what runs is what the user has looked at.
func (e *Engine) Find(ctx context.Context, reference string) (id string, err error) {
	image, err := e.inspect(ctx, reference)
	if errors.Is(err, docker.ErrNoSuchImage) {
		return "", fmt.Errorf("the engine has no image %s: build it, or try \"docker pull %s\"", reference, reference)
	}
	if err != nil {
		return "", err
	}
	return image.ID, nil
}

// Lacks reports whether an image certainly isn't on the engine.
func (e *Engine) Lacks(ctx context.Context, reference string) bool {
	_, err := e.inspect(ctx, reference)
	return errors.Is(err, docker.ErrNoSuchImage)
}

// inspect looks at an image, by its tag or id.
func (e *Engine) inspect(ctx context.Context, reference string) (*docker.Image, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Answer, fmt.Errorf("no answer in %v", Answer))
	defer cancel()
	image, err := Await(ctx, func() (*docker.Image, error) { return e.Pool.Client.InspectImage(reference) })
	if err != nil && !errors.Is(err, docker.ErrNoSuchImage) {
		return nil, fmt.Errorf("look at image %s: %w", reference, err)
	}
	return image, err
}

// Pause waits for d, or for the end of the context, whose cause it returns.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
