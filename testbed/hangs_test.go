package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cometbench/internal/engine"
	"cometbench/internal/owner"
	"cometbench/internal/tail"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
)

// fakeEngine returns an engine that answers as a handler does.
func fakeEngine(t *testing.T, answer http.Handler) *engine.Engine {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	client, err := docker.NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &engine.Engine{Pool: &dockertest.Pool{Client: client}}
}

const fakeID = "0123456789abcdef"

// TestEngineHangs: what an engine is asked ends with the context, also where it
// never answers.
func TestEngineHangs(t *testing.T) {
	released := make(chan struct{})
	e := fakeEngine(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	t.Cleanup(func() { close(released) })
	bed := &Testbed{engine: e, images: map[*engine.Engine]string{e: "author"}}
	c := &containers{bed: bed, run: "run", network: fakeID}
	author := &container{name: "author", id: fakeID, backend: c, engine: e}
	for _, tt := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"find", func(ctx context.Context) error { _, err := e.Find(ctx, "image"); return err }},
		{"pin", func(ctx context.Context) error { _, err := pin(ctx, e, "author", owner.Owner{}); return err }},
		{"sweep", func(ctx context.Context) error { return e.Sweep(ctx, owner.Owner{}) }},
		{"network", c.makeNetwork},
		{"start", func(ctx context.Context) error {
			_, err := c.Start(ctx, Role{Name: Broker, Command: []string{"broker"}})
			return err
		}},
		{"command", func(ctx context.Context) error { return author.Run(ctx, nil, io.Discard, io.Discard) }},
		{"exit code", func(ctx context.Context) error { _, err := author.exitCode(ctx, fakeID); return err }},
		{"stop", author.Stop},
		{"close", c.Close}, // while the network is still being made
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

// TestExitCode: an engine that hasn't noticed yet that a command has ended, and
// says 0 until then, is asked again.
func TestExitCode(t *testing.T) {
	var asked atomic.Int32
	answers := http.NewServeMux()
	answers.HandleFunc("POST /containers/"+fakeID+"/exec", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Id":%q}`, fakeID)
	})
	answers.HandleFunc("POST /exec/"+fakeID+"/start", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close() // the end of the command's output
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n")
	})
	answers.HandleFunc("GET /exec/"+fakeID+"/json", func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			io.WriteString(w, `{"Running":true,"ExitCode":null}`)
			return
		}
		io.WriteString(w, `{"Running":false,"ExitCode":7}`)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stderr := &tail.Tail{Each: func(string) bool { return true }} // which is no JSON
	author := &container{name: "author", id: fakeID, engine: fakeEngine(t, answers)}
	err := author.exec(ctx, nil, io.Discard, stderr, "false")
	if err == nil || !strings.Contains(err.Error(), "exit code 7") {
		t.Errorf("%v, want exit code 7", err)
	}
}
