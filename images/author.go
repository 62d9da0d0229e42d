package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/ory/dockertest/v3/docker"
)

// AuthorCommand is where an image of [Builder.Author] has our command.
const AuthorCommand = "/cometbench"

// Author returns the tag of the image that the author runs in: our static
// command, the executable, and nothing else. It is made once for each build of
// the command.
func (bu *Builder) Author(ctx context.Context, executable string) (tag string, err error) {
	body, err := os.ReadFile(executable)
	if err != nil {
		return "", fmt.Errorf("image of the author: %w", err)
	}
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])[:12]
	tag = "cometbench/author:" + digest
	if _, err := bu.Client.InspectImage(tag); err == nil {
		return tag, nil
	} else if !errors.Is(err, docker.ErrNoSuchImage) {
		return "", fmt.Errorf("image of the author: %w", err)
	}
	dockerfile := "FROM scratch\nCOPY cometbench " + AuthorCommand + "\nENTRYPOINT [\"" + AuthorCommand + "\"]\n"
	input, err := archive([]file{{"Dockerfile", 0o644, []byte(dockerfile)}, {"cometbench", 0o755, body}})
	if err != nil {
		return "", err
	}
	err = bu.run(docker.BuildImageOptions{
		Name: tag, InputStream: input, Labels: map[string]string{labelRecipe: digest},
		RmTmpContainer: true, ForceRmTmpContainer: true, Context: ctx,
	})
	if err != nil {
		return "", fmt.Errorf("image of the author: %w", err)
	}
	return tag, nil
}
