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

// TestRemovalInProgress: what somebody else is removing is waited for.
func TestRemovalInProgress(t *testing.T) {
	o := owner{"boot", 1, 2, 3}
	for _, tt := range []struct {
		name     string
		refusals int32
		timeout  time.Duration
		want     error
	}{
		{"it ends", 3, 30 * time.Second, nil},
		{"it doesn't", 1 << 30, 100 * time.Millisecond, context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var containers, networks atomic.Int32
			engine := http.NewServeMux()
			refuse := func(n *atomic.Int32, status int, text string) http.HandlerFunc {
				return func(w http.ResponseWriter, _ *http.Request) {
					if n.Add(1) > tt.refusals {
						http.Error(w, `{"message":"it isn't there"}`, http.StatusNotFound)
						return
					}
					http.Error(w, fmt.Sprintf(`{"message":%q}`, text), status)
				}
			}
			list := fmt.Sprintf(`[{"Id":%q,"Name":"network","Labels":{%q:%q}}]`, fakeID, labelOwner, o)
			answer := func(text string) http.HandlerFunc {
				return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
			}
			engine.HandleFunc("GET /containers/json", answer(list))
			engine.HandleFunc("GET /networks", answer(list))
			engine.HandleFunc("GET /images/json", answer("[]"))
			engine.HandleFunc("DELETE /containers/"+fakeID, refuse(&containers, http.StatusConflict, "removal is already in progress"))
			engine.HandleFunc("DELETE /networks/"+fakeID, refuse(&networks, http.StatusForbidden, "network has active endpoints"))
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			if err := fakeEngine(t, engine).removeOwned(ctx, o); !errors.Is(err, tt.want) {
				t.Errorf("removeOwned: %v, want %v", err, tt.want)
			}
		})
	}
}

// TestExitCode: an engine that hasn't noticed yet that a command has ended, and
// says 0 until then, is asked again.
func TestExitCode(t *testing.T) {
	var asked atomic.Int32
	engine := http.NewServeMux()
	engine.HandleFunc("POST /containers/"+fakeID+"/exec", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Id":%q}`, fakeID)
	})
	engine.HandleFunc("POST /exec/"+fakeID+"/start", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close() // the end of the command's output
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n")
	})
	engine.HandleFunc("GET /exec/"+fakeID+"/json", func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			io.WriteString(w, `{"Running":true,"ExitCode":null}`)
			return
		}
		io.WriteString(w, `{"Running":false,"ExitCode":7}`)
	})
	c := &containers{engine: fakeEngine(t, engine)}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := c.exec(ctx, &container{name: "author", id: fakeID}, io.Discard, io.Discard, "false")
	if err == nil || !strings.Contains(err.Error(), "exit code 7") {
		t.Errorf("%v, want exit code 7", err)
	}
}

// TestNegotiate: the version that was tried, or the nearest that the engine has.
func TestNegotiate(t *testing.T) {
	for _, tt := range []struct{ engine, oldest, newest, want string }{
		{"17.03, the first with a minimum", "1.12", "1.26", "1.26"},
		{"20.10", "1.12", "1.41", "1.41"},
		{"26.1", "1.24", "1.45", "1.44"},
		{"28.5", "1.24", "1.51", "1.44"},
		{"29", "1.44", "1.52", "1.44"},
		{"one to come", "1.50", "1.60", "1.50"},
		{"one that says nothing of its minimum", "", "1.23", "1.23"},
	} {
		if got, err := negotiate(tt.oldest, tt.newest); err != nil || got != tt.want {
			t.Errorf("%s: speak %q, %v, want %s", tt.engine, got, err, tt.want)
		}
	}
	for _, newest := range []string{"", "one"} {
		if got, err := negotiate("1.24", newest); err == nil {
			t.Errorf("an engine of version %q: speak %q, want an error", newest, got)
		}
	}
}
