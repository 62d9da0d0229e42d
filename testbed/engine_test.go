package testbed

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
)

// fakeEngine returns an engine that answers as a handler does.
func fakeEngine(t *testing.T, answer http.Handler) *engine {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	client, err := docker.NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &engine{pool: &dockertest.Pool{Client: client}, author: "author"}
}

const fakeID = "0123456789abcdef"

// TestEngineHangs: what an engine is asked ends with the context, also where it
// never answers.
func TestEngineHangs(t *testing.T) {
	released := make(chan struct{})
	e := fakeEngine(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	t.Cleanup(func() { close(released) })
	c := &containers{
		engine: e, run: "run", author: "author", subject: &Subject{},
		network: &dockertest.Network{Network: &docker.Network{ID: fakeID}},
		parts:   map[part]*container{authorPart: {name: "author", id: fakeID}},
	}
	for _, tt := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"find", func(ctx context.Context) error { _, err := e.find(ctx, "image"); return err }},
		{"pin", func(ctx context.Context) error { _, err := e.pin(ctx, "author", owner{}); return err }},
		{"sweep", func(ctx context.Context) error { return e.sweep(ctx, owner{}) }},
		{"prepare", c.prepare},
		{"start", func(ctx context.Context) error { return c.start(ctx, brokerPart) }},
		{"command", func(ctx context.Context) error { return c.command(ctx, io.Discard, io.Discard) }},
		{"exit code", func(ctx context.Context) error { _, err := c.exitCode(ctx, fakeID); return err }},
		{"close", c.close}, // while the network is still being made
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		ended := make(chan error, 1)
		go func() { ended <- tt.do(ctx) }()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want the context's end", tt.name, err)
			}
		case <-time.After(30 * time.Second):
			t.Errorf("%s: it doesn't end", tt.name)
		}
		cancel()
	}
}
