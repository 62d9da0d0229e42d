package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ory/dockertest/v3/docker"
)

// inspection prints what is installed, in a Python that both generations read:
// names and versions of distributions stand in the names of their folders.
const inspection = `
import json, os, platform, site
found = {"python": platform.python_version(), "help": open("/opt/comet/help").read()}
for folder in os.listdir(site.getusersitepackages()):
    name, _, rest = folder.partition("-")
    if rest.endswith("-info"):
        found[name.lower()] = rest[:rest.rindex(".")]
    elif rest.endswith(".egg-info"):
        found[name.lower()] = rest[:-9].split("-")[0]
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
	for _, name := range []string{"comet", "python", "twisted"} {
		if found[name] == "" {
			return nil, fmt.Errorf("ask what is installed: no %s among %.200q", name, out)
		}
	}
	return map[string]string{
		labelComet: found["comet"], labelPython: found["python"], labelTwisted: found["twisted"],
		labelOptions: strings.Join(options(found["help"]), " "),
	}, nil
}

// output runs a command in a container of the image and returns what it prints.
func (bu *Builder) output(ctx context.Context, image string, command []string) (_ []byte, err error) {
	container, err := bu.Client.CreateContainer(docker.CreateContainerOptions{
		Context: ctx,
		Config: &docker.Config{
			Image: image, Entrypoint: command, Labels: map[string]string{"cometbench.inspect": image},
			NetworkDisabled: true,
		},
		HostConfig: &docker.HostConfig{CapDrop: []string{"ALL"}, NetworkMode: "none", PidsLimit: 64},
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, bu.Client.RemoveContainer(docker.RemoveContainerOptions{
			ID: container.ID, Force: true, RemoveVolumes: true, Context: context.WithoutCancel(ctx),
		}))
	}()
	if err := bu.Client.StartContainerWithContext(container.ID, nil, ctx); err != nil {
		return nil, err
	}
	code, err := bu.Client.WaitContainerWithContext(container.ID, ctx)
	if err != nil {
		return nil, err
	}
	var stdout, stderr bytes.Buffer
	err = bu.Client.Logs(docker.LogsOptions{
		Container: container.ID, Stdout: true, Stderr: true, OutputStream: &stdout, ErrorStream: &stderr, Context: ctx,
	})
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d: %s", code, strings.TrimSpace(stderr.String()))
	}
	return stdout.Bytes(), err
}
