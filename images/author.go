package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/ory/dockertest/v3/docker"
)

// AuthorCommand is where an image of [Builder.Author] has our command.
const AuthorCommand = "/cometbench"

// FilesFolder is where it has files.
const FilesFolder = "/files"

// Author makes the image that the author runs in: our static command, the
// executable, files in a folder, by name, and nothing else. Its tag is a digest of
// these and of Owner. Who has it made removes it: the next build of our command is
// another.
func (bu *Builder) Author(ctx context.Context, executable string, files map[string][]byte) (tag string, err error) {
	body, err := os.ReadFile(executable)
	if err != nil {
		return "", fmt.Errorf("image of the author: %w", err)
	}
	digest := sha256.New()
	digest.Write(body)
	fmt.Fprint(digest, bu.Owner)
	dockerfile := "FROM scratch\nCOPY cometbench " + AuthorCommand + "\n"
	contents := []file{{"cometbench", 0o755, body}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(digest, "%q %d\n%s", name, len(files[name]), files[name])
		contents = append(contents, file{"files/" + name, 0o644, files[name]})
	}
	if len(files) > 0 {
		dockerfile += "COPY files " + FilesFolder + "\n"
	}
	tag = "cometbench/author:" + hex.EncodeToString(digest.Sum(nil))[:12]
	dockerfile += "ENTRYPOINT [\"" + AuthorCommand + "\"]\n"
	input, err := archive(append(contents, file{"Dockerfile", 0o644, []byte(dockerfile)}))
	if err != nil {
		return "", err
	}
	if err := bu.run(ctx, docker.BuildImageOptions{Name: tag, InputStream: input, Labels: bu.labels()}); err != nil {
		return "", fmt.Errorf("image of the author: %w", err)
	}
	return tag, nil
}
