package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"cometbench/internal/owner"

	"github.com/ory/dockertest/v3/docker"
)

// Sweep removes the containers, networks and images of owners that are gone: a killed
// benchmark can't clean up after itself. Its janitor may be about it as well.
func (e *Engine) Sweep(ctx context.Context, here owner.Owner) error {
	return e.remove(ctx, owner.LabelOwner, func(label string) bool {
		o, err := owner.Parse(label)
		return err == nil && o.Gone(here)
	})
}

// RemoveOwned removes all that an owner has on the engine.
func (e *Engine) RemoveOwned(ctx context.Context, o owner.Owner) error {
	return e.remove(ctx, owner.LabelOwner, func(label string) bool { return label == o.String() })
}

// RemoveRun removes all that a run has on the engine.
func (e *Engine) RemoveRun(ctx context.Context, run string) error {
	return e.remove(ctx, owner.LabelRun, func(label string) bool { return label == run })
}

// remove removes what has the label with a value that matches: the containers
// first and side by side, then the networks that they were on, and the images
// that they were of. (A Comet's image has no owner: it is kept.)
func (e *Engine) remove(ctx context.Context, label string, match func(value string) bool) error {
	client := e.Pool.Client
	containers, err := client.ListContainers(docker.ListContainersOptions{
		All: true, Filters: map[string][]string{"label": {label}}, Context: ctx,
	})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	var wg sync.WaitGroup
	errs := make([]error, len(containers))
	for i, c := range containers {
		if !match(c.Labels[label]) {
			continue
		}
		wg.Go(func() { errs[i] = e.RemoveContainer(ctx, c.ID) })
	}
	wg.Wait()
	networks, err := Await(ctx, func() ([]docker.Network, error) {
		return client.FilteredListNetworks(docker.NetworkFilterOpts{"label": {label: true}})
	})
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("list networks: %w", err))...)
	}
	for _, n := range networks {
		if !match(n.Labels[label]) {
			continue
		}
		err := insist(ctx, func() error {
			return AwaitDone(ctx, func() error { return client.RemoveNetwork(n.ID) })
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("remove network %s: %w", n.Name, err))
		}
	}
	made, err := client.ListImages(docker.ListImagesOptions{
		Filters: map[string][]string{"label": {label}}, Context: ctx,
	})
	if err != nil {
		return errors.Join(append(errs, fmt.Errorf("list images: %w", err))...)
	}
	for _, image := range made {
		if !match(image.Labels[label]) {
			continue
		}
		err := client.RemoveImageExtended(image.ID, docker.RemoveImageOptions{Force: true, Context: ctx})
		if err != nil && !e.Lacks(ctx, image.ID) {
			errs = append(errs, fmt.Errorf("remove image %s: %w", short(image.ID), err))
		}
	}
	return errors.Join(errs...)
}

// RemoveContainer removes a container, whatever state it is in.
func (e *Engine) RemoveContainer(ctx context.Context, id string) error {
	err := insist(ctx, func() error {
		return e.Pool.Client.RemoveContainer(docker.RemoveContainerOptions{
			ID: id, Force: true, RemoveVolumes: true, Context: ctx,
		})
	})
	if err != nil {
		return fmt.Errorf("remove container %s: %w", short(id), err)
	}
	return nil
}

// again is how long insist waits between two attempts.
const again = 50 * time.Millisecond

// insist removes a container or a network for good. That it isn't there any
// more is right; and while the engine refuses because it is being removed
// already (by the janitor of a dead benchmark, say, which the next one has come
// across), or what is being removed still uses it, insist tries again.
func insist(ctx context.Context, remove func() error) error {
	for {
		err := remove()
		var container *docker.NoSuchContainer
		var network *docker.NoSuchNetwork
		if err == nil || errors.As(err, &container) || errors.As(err, &network) {
			return nil
		}
		var refused *docker.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusConflict && refused.Status != http.StatusForbidden {
			return err
		}
		if waited := Pause(ctx, again); waited != nil {
			return fmt.Errorf("%w (%w)", err, waited)
		}
	}
}
