// Package engine speaks with a Docker engine, and removes what benchmarks have
// left on it.
package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
)

// Engine is a Docker engine that answers.
type Engine struct {
	// Pool is the connection. [Ask] bounds its requests.
	Pool     *dockertest.Pool
	OS, Arch string // the platform of its containers
	// Elsewhere says that these run on another machine than this one.
	Elsewhere bool
	name      string // for a configuration line
	api       string // the URL of its API
}

// How long an engine may take at most: to answer a question, and to make, start,
// end or remove one thing.
const (
	Answer = 10 * time.Second
	Change = 30 * time.Second
)

// apiVersion is the version of the engine's API that this package was tried
// with (Docker 25, 2024). Engines from 1.41 to 1.52 answered the same requests
// alike in all that is used here.
const apiVersion = "1.44"

// Dial connects to an engine by its name: a URL as DOCKER_HOST has them, or a Docker
// context. "" is the one that the docker command would use: see findEndpoint.
func Dial(ctx context.Context, name string) (*Engine, error) {
	where, err := findEndpoint(named(name, os.Getenv))
	if err != nil {
		return nil, fmt.Errorf("no Docker engine can be used: %w", err)
	}
	client, err := where.client("")
	if err != nil {
		return nil, fmt.Errorf("%s can't be used: %w", where, err)
	}
	// Asking for the version is the one request that needs none.
	env, err := Ask(ctx, "ask for its version", Answer, func(context.Context) (*docker.Env, error) {
		return client.Version()
	})
	if err != nil {
		return nil, fmt.Errorf("%s can't be used (%s): %w", where, advice(err), err)
	}
	e := &Engine{
		OS: env.Get("Os"), Arch: env.Get("Arch"), Elsewhere: where.elsewhere(), name: describe(env, where),
	}
	if e.OS != "linux" {
		return nil, fmt.Errorf("%s runs %s containers: Linux containers are needed", where, e.OS)
	}
	speak, err := negotiate(env.Get("MinAPIVersion"), env.Get("ApiVersion"))
	if err != nil {
		return nil, fmt.Errorf("%s, %s, can't be used: %w", where, e, err)
	}
	// The client can't be told later which version to speak.
	if client, err = where.client(speak); err != nil {
		return nil, fmt.Errorf("%s can't be used: %w", where, err)
	}
	e.Pool, e.api = &dockertest.Pool{Client: client}, where.url()+"/v"+speak
	return e, nil
}

// advice says what to do about an engine that doesn't answer.
func advice(err error) string {
	if errors.Is(err, os.ErrPermission) {
		return "you have no right to its socket: become a member of the group docker " +
			"(sudo usermod -aG docker $USER), and log in again"
	}
	return "start Docker, or set DOCKER_HOST to an engine that runs"
}

// describe returns an engine's name and version, and where it is unless it is
// that of this machine.
func describe(version *docker.Env, where endpoint) string {
	name := "docker"
	var components []struct{ Name string }
	err := version.GetJSON("Components", &components)
	if err == nil && len(components) > 0 && components[0].Name == "Podman Engine" {
		name = "podman"
	}
	name += " " + version.Get("Version")
	if at := where.where(); at != "" {
		name += ", " + at
	}
	return name
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

// Ask makes one request of the engine, which what names, and waits for it no
// longer than limit, or until ctx ends.
func Ask[T any](ctx context.Context, what string, limit time.Duration, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit,
		fmt.Errorf("no answer in %v: restart the engine if \"docker info\" has none either", limit))
	defer cancel()
	answer, err := Await(ctx, func() (T, error) { return do(ctx) })
	if ctx.Err() != nil && err != nil {
		err = context.Cause(ctx) // which says more than a client that was interrupted
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", what, err)
	}
	return answer, err
}

// String returns the engine's name and version, such as "docker 20.10.24".
func (e *Engine) String() string { return e.name }

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
	return Ask(ctx, "look at image "+reference, Answer, func(context.Context) (*docker.Image, error) {
		return e.Pool.Client.InspectImage(reference)
	})
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
