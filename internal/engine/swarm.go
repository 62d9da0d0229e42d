package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Host is the machine of an engine, as far as that tells.
type Host struct {
	Kernel string `json:"KernelVersion"`
	Cores  int    `json:"NCPU"`
	Swarm  Node
}

// Node is an engine's place in a swarm.
type Node struct {
	ID      string `json:"NodeID"`
	State   string `json:"LocalNodeState"` // "active" where it is in one, and works
	Manager bool   `json:"ControlAvailable"`
	Error   string // why it doesn't work
}

// Host asks the engine for its machine.
func (e *Engine) Host(ctx context.Context) (h Host, err error) {
	err = e.request(ctx, "ask for its machine", http.MethodGet, "/info", nil, &h)
	return h, err
}

// Joined holds two engines against what an overlay network of Swarm takes that
// containers of both are on, and returns the one that can make such a network: a
// manager. Its errors say which of the engines lacks what, and what to do.
func Joined(ctx context.Context, one, other *Engine) (manager *Engine, err error) {
	engines := []*Engine{one, other}
	nodes := make([]Node, len(engines))
	for i, e := range engines {
		host, err := e.Host(ctx)
		if err != nil {
			return nil, err
		}
		nodes[i] = host.Swarm
		switch state := nodes[i].State; {
		case state == "active":
		case state == "inactive" || state == "":
			return nil, fmt.Errorf("%s is in no swarm: \"docker swarm init\" there, and \"docker swarm join\" on "+
				"the other engine", e)
		default:
			return nil, fmt.Errorf("%s has no working place in its swarm: it is %s: %s", e, state,
				strings.TrimSpace(nodes[i].Error))
		}
	}
	if nodes[0].ID == nodes[1].ID {
		return nil, fmt.Errorf("%s and %s are one engine: want two", one, other)
	}
	i := 0
	if !nodes[0].Manager {
		i = 1
	}
	if !nodes[i].Manager {
		return nil, fmt.Errorf("%s and %s are workers of their swarm, and only a manager makes networks: "+
			"\"docker node promote\" one of them", one, other)
	}
	manager, worker := engines[i], 1-i
	var node struct {
		Status struct{ State, Message string }
	}
	err = manager.request(ctx, "look for the other engine in its swarm", http.MethodGet, "/nodes/"+nodes[worker].ID,
		nil, &node)
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusNotFound:
		return nil, fmt.Errorf("%s and %s are in different swarms: \"docker swarm leave\" on one, and "+
			"\"docker swarm join\" that of the other", one, other)
	case err != nil:
		return nil, err
	case node.Status.State != "ready":
		return nil, fmt.Errorf("%s can't reach %s, which is %s in their swarm (%s): it needs the ports 2377 and 7946 "+
			"of TCP, 7946 and 4789 of UDP", manager, engines[worker], node.Status.State, node.Status.Message)
	}
	return manager, nil
}

// CreateOverlay makes a network for containers of all engines of the swarm, of
// which this one is a manager, and returns its id. It leads nowhere else.
func (e *Engine) CreateOverlay(ctx context.Context, name string, labels map[string]string) (id string, err error) {
	wanted := map[string]any{
		"Name": name, "Labels": labels, "CheckDuplicate": true, "Driver": "overlay", "Attachable": true,
		"Internal": true,
	}
	var made struct{ ID string }
	err = e.request(ctx, "create a network", http.MethodPost, "/networks/create", wanted, &made)
	return made.ID, err
}

// refusal is an answer of the engine that says no.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

// request makes a request that the engine's client doesn't know, which what names,
// and reads its answer.
func (e *Engine) request(ctx context.Context, what, method, path string, in, out any) error {
	_, err := Ask(ctx, what, Change, func(ctx context.Context) (struct{}, error) {
		var body bytes.Buffer
		if in != nil {
			if err := json.NewEncoder(&body).Encode(in); err != nil {
				return struct{}{}, err
			}
		}
		r, err := http.NewRequestWithContext(ctx, method, e.api+path, &body)
		if err != nil {
			return struct{}{}, err
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := e.Pool.Client.HTTPClient.Do(r)
		if err != nil {
			return struct{}{}, err
		}
		defer answer.Body.Close()
		if answer.StatusCode/100 != 2 {
			refused := struct{ Message string }{answer.Status}
			_ = json.NewDecoder(answer.Body).Decode(&refused) // the status says something too
			return struct{}{}, &refusal{answer.StatusCode, refused.Message}
		}
		return struct{}{}, json.NewDecoder(answer.Body).Decode(out)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", e, err)
	}
	return nil
}
