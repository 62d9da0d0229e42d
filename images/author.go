package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/ory/dockertest/v3/docker"
)

// AuthorCommand is where an image of [Builder.Author] has our command.
const AuthorCommand = "/cometbench"

// Author makes the image that the author runs in: our static command, the
// executable, and nothing else. Its tag is a digest of the command and of
// Owner. Who has it made removes it: the next build of our command is another.
func (bu *Builder) Author(ctx context.Context, executable string) (tag string, err error) {
	body, err := os.ReadFile(executable)
	if err != nil {
		return "", fmt.Errorf("image of the author: %w", err)
	}
	digest := sha256.New()
	digest.Write(body)
	fmt.Fprint(digest, bu.Owner)
	tag = "cometbench/author:" + hex.EncodeToString(digest.Sum(nil))[:12]
	dockerfile := "FROM scratch\nCOPY cometbench " + AuthorCommand + "\nENTRYPOINT [\"" + AuthorCommand + "\"]\n"
	input, err := archive([]file{{"Dockerfile", 0o644, []byte(dockerfile)}, {"cometbench", 0o755, body}})
	if err != nil {
		return "", err
	}
	if err := bu.run(ctx, docker.BuildImageOptions{Name: tag, InputStream: input, Labels: bu.labels()}); err != nil {
		return "", fmt.Errorf("image of the author: %w", err)
	}
	return tag, nil
}
