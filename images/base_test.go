package images

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ory/dockertest/v3/docker"
)

// TestBase: an engine that has neither image is asked for that of the digest; the
// stand-in is taken where it is there; where nothing can be had, the error says
// what to do.
func TestBase(t *testing.T) {
	digest := strings.TrimPrefix(pinnedBase("3.11"), "python@")
	for _, tt := range []struct {
		name, python, there string
		refuses             bool
		base, pulled, fails string
	}{
		{"pull by digest", "3.11", "", false, "python@" + digest, "python " + digest, ""},
		{"no digest is known", "3.13", "", false, "python:3.13-slim", "python 3.13-slim", ""},
		{"stand-in", "3.11", "cometbench/base:python3.11", false, "cometbench/base:python3.11", "", ""},
		{"another image of that tag", "3.11", "python:3.11-slim", false, "python@" + digest, "python " + digest, ""},
		{"no registry", "3.11", "", true, "", "python " + digest,
			"docker tag python:3.11-slim cometbench/base:python3.11"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pulled := ""
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case strings.HasSuffix(r.URL.Path, "/images/create"):
					pulled = r.URL.Query().Get("fromImage") + " " + r.URL.Query().Get("tag")
					if tt.refuses {
						http.Error(w, `{"message":"no such host"}`, http.StatusInternalServerError)
					}
				case tt.there != "" && strings.Contains(r.URL.Path, "/"+tt.there+"/json"):
					io.WriteString(w, `{"Id":"1"}`)
				default:
					http.Error(w, `{"message":"no such image"}`, http.StatusNotFound)
				}
			}))
			defer server.Close()
			client, err := docker.NewClient(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			base, err := (&Builder{Client: client}).base(t.Context(), tt.python)
			if base != tt.base || pulled != tt.pulled {
				t.Errorf("got base %q after pulling %q, want %q and %q", base, pulled, tt.base, tt.pulled)
			}
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("got error %v, want %q in it", err, tt.fails)
			}
		})
	}
}
