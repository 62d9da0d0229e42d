package testbed

import (
	"context"
	"fmt"
	"strconv"

	"cometbench/internal/engine"
	"cometbench/internal/owner"

	"github.com/ory/dockertest/v3/docker"
)

// pinning is the processors that the containers of an experiment use, as cpuset lists of
// Linux ("0", "1-3"). Its zero value leaves that to the kernel.
type pinning struct{ broker, others string }

// String describes it for a benchmark's configuration, "" for the zero value.
func (p pinning) String() string {
	if p == (pinning{}) {
		return ""
	}
	return fmt.Sprintf("broker on processor %s, all else on %s", p.broker, p.others)
}

// of returns the processors of one container.
func (p pinning) of(name string) string {
	if name == Broker {
		return p.broker
	}
	return p.others
}

// pin finds a processor for brokers on this engine that nothing else of a run
// will use, if there is more than one and the engine can keep containers
// to them: where it runs in a cpuset itself its first processor may not be
// number 0, and without the cgroup it ignores the wish.
func pin(ctx context.Context, e *engine.Engine, author string, o owner.Owner) (pinning, error) {
	info, err := engine.Ask(ctx, "ask for its processors", engine.Answer,
		func(context.Context) (*docker.DockerInfo, error) {
			return e.Pool.Client.Info()
		})
	if err != nil {
		return pinning{}, err
	}
	if info.NCPU < 2 {
		return pinning{}, nil
	}
	last := strconv.Itoa(info.NCPU - 1)
	all, others := "0-"+last, "1-"+last
	if info.NCPU == 2 {
		others = "1"
	}
	trial, err := e.Pool.Client.CreateContainer(docker.CreateContainerOptions{
		Config:     &docker.Config{Image: author, Labels: o.Labels("pin")},
		HostConfig: &docker.HostConfig{CPUSetCPUs: all},
		Context:    ctx,
	})
	switch {
	case ctx.Err() != nil:
		return pinning{}, context.Cause(ctx)
	case err != nil:
		return pinning{}, nil
	}
	made, err := e.Pool.Client.InspectContainerWithContext(trial.ID, ctx)
	e.RemoveContainer(ctx, trial.ID) // else the testbed does by its label, at its end
	if err != nil {
		return pinning{}, fmt.Errorf("try to choose processors: %w", err)
	}
	if made.HostConfig.CPUSetCPUs != all {
		return pinning{}, nil
	}
	return pinning{broker: "0", others: others}, nil
}
