package images

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cometbench/subject"

	"github.com/ory/dockertest/v3/docker"
)

// Ends of what builds printed that failed: on Docker 20.10 and, the last, on
// Podman 5.4.
const (
	noRelease = "Successfully installed Twisted-26.10.0 zope-interface-8.7\n" +
		"\x1b[91mERROR: Could not find a version that satisfies the requirement Comet==9.9.9 " +
		"(from versions: 1.0.1, 3.1.0)\n" +
		"\x1b[0m\x1b[91mERROR: No matching distribution found for Comet==9.9.9\n" +
		"\x1b[0mRemoving intermediate container aa69bd97c9e4\n"
	python2 = "\x1b[91m  File \"/opt/comet/lib/python3.11/site-packages/comet/utility/xml.py\", line 39\n" +
		"    raise AttributeError, name\n                        ^\nSyntaxError: invalid syntax\n" +
		"\x1b[0mRemoving intermediate container 67e899908b6d\n"
	raised = "\x1b[91m  error: subprocess-exited-with-error\n" +
		"      RuntimeError: boom\n      [end of output]\n" +
		"error: metadata-generation-failed\n\x1b[0m"
	tooMany = "ERROR: Could not find a version that satisfies the requirement attrs==26.1.0 " +
		"(from versions: none)\n" +
		"2026-11-25T17:14:48,546 Could not fetch URL https://example.org/simple/attrs/: 429 Client Error: " +
		"Too Many Requests for url: https://example.org/simple/attrs/ - skipping\n"
	limits = "[1/2] STEP 9/9: RUN python -m pip install\n" +
		"error running container: creating container: setrlimit `RLIMIT_NPROC`: Operation not permitted\n" +
		": exit status 1\n"
)

func TestBuildError(t *testing.T) {
	engine := errors.New("returned a non-zero code: 1")
	for _, tt := range []struct{ output, cause string }{
		{noRelease, "Could not find a version that satisfies the requirement Comet==9.9.9 " +
			"(from versions: 1.0.1, 3.1.0)"},
		{python2, "SyntaxError: invalid syntax"},
		{raised, "RuntimeError: boom"},
		{tooMany, "the Python registry can't be had: Could not fetch URL https://example.org/simple/attrs/: " +
			"429 Client Error: Too Many Requests for url: https://example.org/simple/attrs/"},
		{limits, "returned a non-zero code: 1"},
		{"", "returned a non-zero code: 1"},
	} {
		e := newBuildError(engine, tt.output)
		if e.cause != tt.cause || !errors.Is(e, engine) {
			t.Errorf("got cause %q, want %q, of\n%s", e.cause, tt.cause, tt.output)
		}
		if strings.Contains(e.Error(), "\x1b") {
			t.Errorf("got colours in %q", e)
		}
	}
}

// TestExplain: a tree that the chosen Python can't read gets to hear of another.
func TestExplain(t *testing.T) {
	tree := []file{{name: "setup.py"}}
	for _, tt := range []struct {
		name   string
		recipe recipe
		output string
		want   string // "" for no advice
	}{
		{"comet@tree", recipe{python: "3.11", source: tree}, python2,
			"built for Python 3.11. If it is written for another, say so: comet@tree+python2.7"},
		{"comet@tree", recipe{python: "2.7", source: tree}, python2, "say so: comet@tree+python3.11"},
		{"comet@tree+python3.11", recipe{python: "3.11", source: tree}, python2, ""},
		{"comet@tree", recipe{python: "3.11", source: tree}, raised, ""},
		{"comet-9.9.9", recipe{python: "3.11"}, noRelease, ""},
	} {
		b, err := subject.Parse(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		got := tt.recipe.explain(b, newBuildError(errors.New("failed"), tt.output)).Error()
		if !strings.Contains(got, tt.want) || tt.want == "" && strings.Contains(got, "say so") {
			t.Errorf("%s: got %q, want advice %q", tt.name, got, tt.want)
		}
	}
}

// TestBuildMute: a build is given up when the engine prints nothing any more,
// whether or not it has begun.
func TestBuildMute(t *testing.T) {
	for _, begun := range []bool{false, true} {
		released := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if begun {
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprintln(w, `{"stream":"Step 1/9"}`)
				http.NewResponseController(w).Flush()
			}
			<-released
		}))
		client, err := docker.NewClient(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		bu := &Builder{Client: client}
		o := docker.BuildImageOptions{Name: "x", InputStream: strings.NewReader("")}
		err = bu.runWatched(t.Context(), o, 100*time.Millisecond)
		if err == nil || !strings.Contains(err.Error(), "printed nothing for 100ms") {
			t.Errorf("begun %t: got %v, want that nothing was printed", begun, err)
		}
		close(released)
		server.Close()
	}
}
