package images

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cometbench/internal/engine"

	"github.com/ory/dockertest/v3/docker"
)

// Kept is an image of a Comet that was made earlier, and kept.
type Kept struct {
	Tag  string
	Size int64 // bytes, with those of the base image that others may share
	Made time.Time
}

// Kept returns the images of Comets that are on the engine.
func (bu *Builder) Kept(ctx context.Context) ([]Kept, error) {
	found, err := engine.Ask(ctx, "list images", engine.Answer, func(ctx context.Context) ([]docker.APIImages, error) {
		return bu.Client.ListImages(docker.ListImagesOptions{
			Filters: map[string][]string{"reference": {repository}}, Context: ctx,
		})
	})
	if err != nil {
		return nil, err
	}
	var list []Kept
	for _, image := range found {
		for _, tag := range image.RepoTags {
			// Podman names the host that it would pull from.
			if strings.HasPrefix(strings.TrimPrefix(tag, "localhost/"), repository+":") {
				list = append(list, Kept{tag, image.Size, time.Unix(image.Created, 0)})
			}
		}
	}
	return list, nil
}

// removal is how long an engine may take to remove an image.
const removal = time.Minute

// Remove removes an image that was kept. One that a container uses stays, and is
// an error.
func (bu *Builder) Remove(ctx context.Context, k Kept) error {
	_, err := engine.Ask(ctx, "remove image "+k.Tag, removal, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, bu.Client.RemoveImageExtended(k.Tag, docker.RemoveImageOptions{Context: ctx})
	})
	if errors.Is(err, docker.ErrNoSuchImage) {
		return nil
	}
	return err
}

// String describes the image and what it takes.
func (k Kept) String() string {
	return fmt.Sprintf("%s, %d MB with its base image, made on %s", k.Tag, k.Size/1e6, k.Made.Format(time.DateOnly))
}
