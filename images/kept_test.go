package images

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/ory/dockertest/v3/docker"
)

// TestKept: images of Comets are listed and removed, others aren't; what is in
// use stays.
func TestKept(t *testing.T) {
	answers := http.NewServeMux()
	answers.HandleFunc("GET /images/json", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `[
			{"Id":"1","RepoTags":["cometbench/comet:comet-3.1.0-54a2d043e305","my/own:tag"],
				"Size":196400000,"Created":1795608699},
			{"Id":"2","RepoTags":["localhost/cometbench/comet:comet-1.1.0-487b646995e1"],
				"Size":208000000,"Created":1795608699}]`)
	})
	var removed []string
	answers.HandleFunc("DELETE /images/", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "1.1.0") {
			http.Error(w, `{"message":"image is being used by running container"}`, http.StatusConflict)
			return
		}
		removed = append(removed, strings.TrimPrefix(r.URL.Path, "/images/"))
		io.WriteString(w, "[]")
	})
	server := httptest.NewServer(answers)
	defer server.Close()
	client, err := docker.NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	bu := &Builder{Client: client}
	kept, err := bu.Kept(t.Context())
	if err != nil || len(kept) != 2 {
		t.Fatalf("got %v, %v, want two images", kept, err)
	}
	want := "cometbench/comet:comet-3.1.0-54a2d043e305, 196 MB with its base image, made on 2026-11-25"
	if got := kept[0].String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := bu.Remove(t.Context(), kept[0]); err != nil {
		t.Error(err)
	}
	if err := bu.Remove(t.Context(), kept[1]); err == nil || !strings.Contains(err.Error(), "comet-1.1.0-487b646995e1") {
		t.Errorf("an image in use: got %v, want an error that names it", err)
	}
	if want := []string{"cometbench/comet:comet-3.1.0-54a2d043e305"}; !slices.Equal(removed, want) {
		t.Errorf("removed %q, want %q", removed, want)
	}
}
