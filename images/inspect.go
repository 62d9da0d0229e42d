package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cometbench/internal/engine"

	"github.com/ory/dockertest/v3/docker"
)

// inspection prints what is installed, in a Python that both generations read:
// names and versions of distributions stand in the names of their folders. Of
// these folders the digest takes the name only, and the entry points: the rest
// says how and from where pip installed, and holds the README.
const inspection = `
import hashlib, json, os, platform, site
found = {"python": platform.python_version(), "help": open("/opt/comet/help").read()}
for folder in os.listdir(site.getusersitepackages()):
    name, _, rest = folder.partition("-")
    if rest.endswith("-info"):
        found[name.lower()] = rest[:rest.rindex(".")]
    elif rest.endswith(".egg-info"):
        found[name.lower()] = rest[:-9].split("-")[0]
digest = hashlib.sha256(platform.python_version().encode())
for folder, folders, names in os.walk("/opt/comet"):
    folders.sort()
    digest.update(folder.encode())
    if folder.endswith("-info"):
        folders[:] = []
        names = [name for name in names if name == "entry_points.txt"]
    for name in sorted(names):
        if name.endswith(".pyc") or name == "dropin.cache": # made from what stands beside
            continue
        with open(os.path.join(folder, name), "rb") as f:
            digest.update(name.encode() + hashlib.sha256(f.read()).digest())
found["installed"] = digest.hexdigest()
print(json.dumps(found))
`

// inspect returns labels that say what is in an image of a Comet.
func (bu *Builder) inspect(ctx context.Context, image string) (map[string]string, error) {
	out, err := bu.output(ctx, image, []string{"python", "-c", inspection})
	if err != nil {
		return nil, fmt.Errorf("ask what is installed: %w", err)
	}
	var found map[string]string
	if err := json.Unmarshal(out, &found); err != nil {
		return nil, fmt.Errorf("ask what is installed: %w: %.200q", err, out)
	}
	for _, name := range []string{"comet", "python", "twisted", "installed"} {
		if found[name] == "" {
			return nil, fmt.Errorf("ask what is installed: no %s among %.200q", name, out)
		}
	}
	return map[string]string{
		labelComet: found["comet"], labelPython: found["python"], labelTwisted: found["twisted"],
		labelOptions: strings.Join(options(found["help"]), " "), labelInstalled: found["installed"],
	}, nil
}

// inspectDeadline is far above what a container takes that prints a few names.
const inspectDeadline = time.Minute

// output runs a command in a container of the image and returns what it prints.
func (bu *Builder) output(ctx context.Context, image string, command []string) ([]byte, error) {
	ask := "create a container"
	container, err := engine.Ask(ctx, ask, engine.Change, func(ctx context.Context) (*docker.Container, error) {
		return bu.Client.CreateContainer(docker.CreateContainerOptions{
			Context:    ctx,
			Config:     &docker.Config{Image: image, Entrypoint: command, Labels: bu.labels(), NetworkDisabled: true},
			HostConfig: &docker.HostConfig{CapDrop: []string{"ALL"}, NetworkMode: "none", PidsLimit: 64},
		})
	})
	if err != nil {
		return nil, err
	}
	out, err := engine.Ask(ctx, "run "+command[0], inspectDeadline, func(ctx context.Context) ([]byte, error) {
		return bu.start(ctx, container.ID)
	})
	ctx, ask = context.WithoutCancel(ctx), "remove a container"
	_, removed := engine.Ask(ctx, ask, engine.Change, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, bu.Client.RemoveContainer(docker.RemoveContainerOptions{
			ID: container.ID, Force: true, RemoveVolumes: true, Context: ctx,
		})
	})
	return out, errors.Join(err, removed)
}

// exitError is the end of a command that wasn't well.
type exitError struct {
	code   int
	stderr string
}

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d: %s", e.code, e.stderr) }

// start starts a container, waits for its end, and returns what it has printed.
func (bu *Builder) start(ctx context.Context, id string) ([]byte, error) {
	if err := bu.Client.StartContainerWithContext(id, nil, ctx); err != nil {
		return nil, err
	}
	code, err := bu.Client.WaitContainerWithContext(id, ctx)
	if err != nil {
		return nil, err
	}
	var stdout, stderr bytes.Buffer
	err = bu.Client.Logs(docker.LogsOptions{
		Container: id, Stdout: true, Stderr: true, OutputStream: &stdout, ErrorStream: &stderr, Context: ctx,
	})
	if err == nil && code != 0 {
		err = &exitError{code, strings.TrimSpace(stderr.String())}
	}
	return stdout.Bytes(), err
}
