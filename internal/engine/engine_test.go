package engine

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

	"cometbench/internal/owner"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
)

// fakeEngine returns an engine that answers as a handler does.
func fakeEngine(t *testing.T, answer http.Handler) *Engine {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	client, err := docker.NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &Engine{Pool: &dockertest.Pool{Client: client}}
}

const fakeID = "0123456789abcdef"

// TestRemovalInProgress: what somebody else is removing is waited for.
func TestRemovalInProgress(t *testing.T) {
	o, err := owner.Parse("machine/boot/1/2/3")
	if err != nil {
		t.Fatal(err)
	}
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
			list := fmt.Sprintf(`[{"Id":%q,"Name":"network","Labels":{%q:%q}}]`, fakeID, owner.LabelOwner, o)
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
			if err := fakeEngine(t, engine).RemoveOwned(ctx, o); !errors.Is(err, tt.want) {
				t.Errorf("removeOwned: %v, want %v", err, tt.want)
			}
		})
	}
}

// TestEngineRestarts: cleaning up goes on when the engine is back, and says what
// happens to what is left when it isn't until the deadline.
func TestEngineRestarts(t *testing.T) {
	o, err := owner.Parse("machine/boot/1/2/3")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	var removed atomic.Bool
	restarting := func(answers http.Handler, back int32) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) <= back {
				panic(http.ErrAbortHandler) // closes the connection
			}
			answers.ServeHTTP(w, r)
		}
	}
	answers := http.NewServeMux()
	answers.HandleFunc("GET /containers/json", func(w http.ResponseWriter, _ *http.Request) {
		if removed.Load() {
			io.WriteString(w, "[]")
			return
		}
		fmt.Fprintf(w, `[{"Id":%q,"Labels":{%q:%q}}]`, fakeID, owner.LabelOwner, o)
	})
	answers.HandleFunc("GET /networks", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "[]") })
	answers.HandleFunc("GET /images/json", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "[]") })
	answers.HandleFunc("DELETE /containers/"+fakeID, func(w http.ResponseWriter, _ *http.Request) { removed.Store(true) })

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := fakeEngine(t, restarting(answers, 5)).RemoveOwned(ctx, o); err != nil || !removed.Load() {
		t.Errorf("the engine came back: got %v, removed %t", err, removed.Load())
	}
	ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = fakeEngine(t, restarting(answers, 1<<30)).RemoveOwned(ctx, o)
	if err == nil || !strings.Contains(err.Error(), "list containers") || !strings.Contains(err.Error(), "cometbench sweep") {
		t.Errorf("the engine stays away: got %v, want what failed, and what removes the rest", err)
	}
}

// TestAskMute: a request that is never answered ends with what it was, and what
// to do.
func TestAskMute(t *testing.T) {
	released := make(chan struct{})
	e := fakeEngine(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	t.Cleanup(func() { close(released) })
	for _, tt := range []struct {
		name  string
		limit time.Duration // of the request
		ctx   time.Duration
		want  string
	}{
		{"its own limit", 20 * time.Millisecond, time.Minute, `list: no answer in 20ms: restart the engine if "docker info" has none either`},
		{"the caller's", time.Minute, 20 * time.Millisecond, "list: the run is over"},
	} {
		ctx, cancel := context.WithTimeoutCause(t.Context(), tt.ctx, errors.New("the run is over"))
		_, err := Ask(ctx, "list", tt.limit, func(ctx context.Context) ([]docker.APIContainers, error) {
			return e.Pool.Client.ListContainers(docker.ListContainersOptions{Context: ctx})
		})
		cancel()
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: got error %v, want %s", tt.name, err, tt.want)
		}
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
