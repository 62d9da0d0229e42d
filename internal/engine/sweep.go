package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cometbench/internal/owner"

	"github.com/ory/dockertest/v3/docker"
)

// Sweep removes the containers, networks and images of owners that are gone: a
// killed benchmark can't clean up after itself. Its janitor may be about it as
// well.
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

// Others returns the other owners whose containers run on the engine and that
// aren't known to be gone: benchmarks that run at the same time.
func (e *Engine) Others(ctx context.Context, here owner.Owner) ([]owner.Owner, error) {
	containers, err := Ask(ctx, "list containers", Answer, func(ctx context.Context) ([]docker.APIContainers, error) {
		return e.Pool.Client.ListContainers(docker.ListContainersOptions{
			Filters: map[string][]string{"label": {owner.LabelOwner}}, Context: ctx,
		})
	})
	var others []owner.Owner
	for _, c := range containers {
		o, err := owner.Parse(c.Labels[owner.LabelOwner])
		if err == nil && o != here && !o.Gone(here) && !slices.Contains(others, o) {
			others = append(others, o)
		}
	}
	return others, err
}

// remove removes what has the label with a value that matches. It tries until
// ctx ends, whatever goes wrong: an engine may be restarted meanwhile; what is
// being removed already (by the janitor of a dead benchmark, which the next one
// has come across) is there a little longer; and some can only go when others
// have gone.
func (e *Engine) remove(ctx context.Context, label string, match func(value string) bool) error {
	for {
		err := e.tryRemove(ctx, label, match)
		if err == nil {
			return nil
		}
		if waited := Pause(ctx, again); waited != nil {
			return fmt.Errorf("clean up the engine: %w: %w; "+
				"what is left, the next benchmark on this machine or \"cometbench sweep\" removes",
				waited, err)
		}
	}
}

// again is how long remove waits between two attempts.
const again = 100 * time.Millisecond

// tryRemove removes the containers first and side by side, then the networks
// that they were on, and the images that they were of. (A Comet's image has no
// owner: it is kept.)
func (e *Engine) tryRemove(ctx context.Context, label string, match func(value string) bool) error {
	client := e.Pool.Client
	filter := map[string][]string{"label": {label}}
	containers, err := Ask(ctx, "list containers", Answer, func(ctx context.Context) ([]docker.APIContainers, error) {
		return client.ListContainers(docker.ListContainersOptions{All: true, Filters: filter, Context: ctx})
	})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, len(containers))
	for i, c := range containers {
		if match(c.Labels[label]) {
			wg.Go(func() { errs[i] = e.RemoveContainer(ctx, c.ID) })
		}
	}
	wg.Wait()
	networks, err := Ask(ctx, "list networks", Answer, func(context.Context) ([]docker.Network, error) {
		return client.FilteredListNetworks(docker.NetworkFilterOpts{"label": {label: true}})
	})
	errs = append(errs, err)
	for _, n := range networks {
		if match(n.Labels[label]) {
			errs = append(errs, e.removeNetwork(ctx, n))
		}
	}
	if label != owner.LabelOwner {
		return errors.Join(errs...) // a run makes no image
	}
	made, err := Ask(ctx, "list images", Answer, func(ctx context.Context) ([]docker.APIImages, error) {
		return client.ListImages(docker.ListImagesOptions{Filters: filter, Context: ctx})
	})
	errs = append(errs, err)
	for _, image := range made {
		if match(image.Labels[label]) {
			errs = append(errs, e.removeImage(ctx, image.ID))
		}
	}
	return errors.Join(errs...)
}

// RemoveContainer removes a container, whatever state it is in.
func (e *Engine) RemoveContainer(ctx context.Context, id string) error {
	_, err := Ask(ctx, "remove container "+short(id), Change, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, e.Pool.Client.RemoveContainer(docker.RemoveContainerOptions{
			ID: id, Force: true, RemoveVolumes: true, Context: ctx,
		})
	})
	var gone *docker.NoSuchContainer
	if errors.As(err, &gone) {
		return nil
	}
	return err
}

func (e *Engine) removeNetwork(ctx context.Context, n docker.Network) error {
	_, err := Ask(ctx, "remove network "+n.Name, Change, func(context.Context) (struct{}, error) {
		return struct{}{}, e.Pool.Client.RemoveNetwork(n.ID)
	})
	var gone *docker.NoSuchNetwork
	if errors.As(err, &gone) {
		return nil
	}
	return err
}

func (e *Engine) removeImage(ctx context.Context, id string) error {
	_, err := Ask(ctx, "remove image "+short(id), Change, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, e.Pool.Client.RemoveImageExtended(id, docker.RemoveImageOptions{Force: true, Context: ctx})
	})
	if err != nil && e.Lacks(ctx, id) {
		return nil
	}
	return err
}
