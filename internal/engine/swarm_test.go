package engine

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// swarmEngine returns an engine that tells of its place in a swarm, and of other nodes
// as that of a manager does.
func swarmEngine(t *testing.T, name string, n Node, others string) *Engine {
	t.Helper()
	answers := http.NewServeMux()
	answers.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"KernelVersion": "6.1.0", "NCPU": 4, "Swarm": map[string]any{
			"NodeID": n.ID, "LocalNodeState": n.State, "ControlAvailable": n.Manager, "Error": n.Error,
		}})
	})
	answers.HandleFunc("GET /nodes/{id}", func(w http.ResponseWriter, r *http.Request) {
		if others == "" {
			http.Error(w, fmt.Sprintf(`{"message":"node %s not found"}`, r.PathValue("id")), http.StatusNotFound)
			return
		}
		io.WriteString(w, others)
	})
	e := fakeEngine(t, answers)
	e.name, e.api = name, e.Pool.Client.Endpoint()
	return e
}

func TestJoined(t *testing.T) {
	const ready, down = `{"Status":{"State":"ready"}}`, `{"Status":{"State":"down","Message":"heartbeat failure"}}`
	manager, worker := Node{ID: "m", State: "active", Manager: true}, Node{ID: "w", State: "active"}
	for _, tt := range []struct {
		name       string
		one, other Node
		known      string // what managers say of other nodes
		manager    string
		wrong      string
	}{
		{"a manager and a worker", manager, worker, ready, "one", ""},
		{"a worker and a manager", worker, manager, ready, "other", ""},
		{"two managers", manager, Node{ID: "m2", State: "active", Manager: true}, ready, "one", ""},
		{"no swarm", manager, Node{State: "inactive"}, ready, "", "other is in no swarm: \"docker swarm init\""},
		{"Podman", Node{}, manager, ready, "", "one is in no swarm"},
		{"a locked swarm", Node{ID: "m", State: "locked", Error: "unlock it"}, worker, ready, "",
			"one has no working place in its swarm: it is locked: unlock it"},
		{"one engine", manager, manager, ready, "", "one and other are one engine"},
		{"two workers", worker, Node{ID: "w2", State: "active"}, ready, "", "one and other are workers of their swarm"},
		{"two swarms", manager, Node{ID: "m2", State: "active", Manager: true}, "", "", "are in different swarms"},
		{"a node that is down", worker, manager, down, "",
			"other can't reach one, which is down in their swarm (heartbeat failure)"},
	} {
		one, other := swarmEngine(t, "one", tt.one, tt.known), swarmEngine(t, "other", tt.other, tt.known)
		got, err := Joined(t.Context(), one, other)
		switch {
		case tt.wrong != "":
			if err == nil || !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("%s: got %v, %v, want an error with %q", tt.name, got, err, tt.wrong)
			}
		case err != nil || got.String() != tt.manager:
			t.Errorf("%s: got %v, %v, want %s", tt.name, got, err, tt.manager)
		}
	}
}

// TestNamed: a name takes the place of the engine that the environment asks for.
func TestNamed(t *testing.T) {
	config := configured{t, t.TempDir()}
	config.create("lab", "tcp://10.1.2.3:2375", false)
	env := map[string]string{"DOCKER_CONFIG": config.dir, "DOCKER_HOST": "unix:///env.sock"}
	for _, tt := range []struct{ name, host, api string }{
		{"", "unix:///env.sock", "http://engine"},
		{"unix:///other.sock", "unix:///other.sock", "http://engine"},
		{"lab", "tcp://10.1.2.3:2375", "http://10.1.2.3:2375"},
		{"tcp://10.1.2.4:2375", "tcp://10.1.2.4:2375", "http://10.1.2.4:2375"},
		{"default", defaultHost(), "http://engine"},
	} {
		e, err := findEndpoint(named(tt.name, func(name string) string { return env[name] }))
		if err != nil || e.host != tt.host || e.url() != tt.api {
			t.Errorf("%q: got %v at %s, %v, want %s at %s", tt.name, e, e.url(), err, tt.host, tt.api)
		}
	}
}
