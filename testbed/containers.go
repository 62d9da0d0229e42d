package testbed

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"cometbench/internal/engine"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
)

// containers is a backend of containers on a network of their own: nothing is
// published on the host, so nothing stands between author and broker.
type containers struct {
	bed     *Testbed
	labels  map[string]string
	run     string
	life    time.Duration // after which what is left ends by itself
	network string        // its id
	deaths  chan error
	// making is what the engine is just making or starting, also what nobody
	// waits for any more.
	making  sync.WaitGroup
	mu      sync.Mutex
	started []*container
}

// folder is the working directory of a role in a container, and LogFile is where
// a command that isn't ours logs to. Both are in memory, as the original
// experiment's were, since a disk in the path changes the result. (A tmpfs of
// our own would get the rights of the folder that the engine makes for it.)
const (
	folder  = "/dev/shm"
	LogFile = "/tmp/role.log"
)

// Limits of a container. None is reached by a broker that works.
const (
	memoryLimit    = 4 << 30 // bytes, the files in memory included
	folderLimit    = 2 << 30
	roomLeft       = 1 << 20 // of a folder that isn't full
	tmpfsOptions   = "rw,nosuid,nodev,noexec,mode=1777,size=2g"
	defaultThreads = 256
	nobody         = "65534:65534"
	// delayShares keep a delay its share of the CPU beside a broker and an
	// author that take all there is: the greatest weight there is.
	delayShares = 262144
)

// Containers makes a backend on the engine. What is left of it ends by itself
// after life, but for an image of somebody else's. Its folder dir is empty: its
// name stands in the names of the containers.
func (t *Testbed) Containers(ctx context.Context, dir string, life time.Duration) (Backend, error) {
	if err := t.PrepareContainers(ctx); err != nil {
		return nil, err
	}
	run := filepath.Base(dir)
	c := &containers{
		bed: t, labels: t.owner.Labels(run), run: run, life: life, deaths: make(chan error, deathsKept),
	}
	if err := c.makeNetwork(ctx); err != nil {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeDeadline)
		defer cancel()
		return nil, errors.Join(err, c.Close(closing))
	}
	return c, nil
}

func (c *containers) makeNetwork(ctx context.Context) (err error) {
	name := "cometbench-" + c.run
	c.making.Add(1)
	if c.bed.Apart() {
		defer c.making.Done()
		c.network, err = c.bed.networks.CreateOverlay(ctx, name, c.labels)
		return err
	}
	network, err := engine.Ask(ctx, "create a network", engine.Change,
		func(context.Context) (*dockertest.Network, error) {
			defer c.making.Done()
			return c.bed.engine.Pool.CreateNetwork(name, func(o *docker.CreateNetworkOptions) {
				o.Labels, o.CheckDuplicate = c.labels, true
			})
		})
	if err != nil {
		return err
	}
	c.network = network.Network.ID
	return nil
}

func (c *containers) Host() string       { return "" }
func (c *containers) Died() <-chan error { return c.deaths }

// stopper runs a command for no longer than a deadline, hands SIGTERM on to it,
// and prints the end of its log, which is gone with the container.
const stopper = `trap 'kill "$child" 2>/dev/null' TERM
"$@" & child=$!
wait "$child"; code=$?
if [ "$code" -gt 128 ]; then wait "$child"; code=$?; fi
tail -n 20 ` + LogFile + ` >&2 2>/dev/null
exit "$code"`

func (c *containers) Start(ctx context.Context, r Role) (Process, error) {
	p, err := c.start(ctx, r)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// start starts a container with no more privileges than the role needs, and
// watches it.
func (c *containers) start(ctx context.Context, r Role) (*container, error) {
	e := c.bed.engineOf(r)
	o := &dockertest.RunOptions{
		Repository: r.Image, User: nobody, WorkingDir: folder, NetworkID: c.network, Labels: c.labels,
		Name: "cometbench-" + c.run + "-" + r.Name, SecurityOpt: []string{"no-new-privileges"},
	}
	host := docker.HostConfig{
		NetworkMode: c.network, CapDrop: []string{"ALL"}, ReadonlyRootfs: true,
		Memory: memoryLimit, MemorySwap: memoryLimit, PidsLimit: defaultThreads, CPUSetCPUs: c.bed.pinning.of(r.Name),
		ShmSize: folderLimit, Tmpfs: map[string]string{filepath.Dir(LogFile): tmpfsOptions},
	}
	holders := 0
	switch {
	case r.Image == "":
		o.Repository = c.bed.images[e]
		o.Cmd = append([]string{r.Command[0], "-for", c.life.String()}, r.Command[1:]...)
	case len(r.Command) > 0:
		holders = 2 // timeout and the shell
		life := strconv.Itoa(int(c.life.Seconds()))
		o.Entrypoint = append([]string{"timeout", "-k", "5", life, "sh", "-c", stopper, "sh"}, r.Command...)
	default:
		// As its maker meant it to run, but for the limits: it has no life of
		// its own, and is only found by its label.
		o.User, o.WorkingDir, host.Tmpfs, host.ReadonlyRootfs = "", "", nil, false
	}
	if r.Threads > 0 {
		host.PidsLimit = int64(r.Threads)
	}
	if r.Name == Author {
		// Each event takes a port, which may rest in TIME_WAIT for a minute: all
		// ports are used, and used again after a second.
		host.Sysctls = map[string]string{
			"net.ipv4.ip_local_port_range": "1024 65535",
			"net.ipv4.tcp_tw_reuse":        "1",
		}
	}
	if beside, ok := r.Beside.(*container); ok {
		host.NetworkMode = "container:" + beside.id
		if !r.Delays {
			host.PidMode = host.NetworkMode
		}
	}
	if r.Delays {
		o.User = "" // only root has what is added
		host.CapAdd, host.CPUShares = []string{"NET_ADMIN", "NET_RAW"}, delayShares
	}
	if e.Lacks(ctx, o.Repository) { // it would be pulled
		return nil, fmt.Errorf("start %s: its image %s is no longer on the engine: start the benchmark again, and "+
			"remove (or prune) no images while it runs", r.Name, o.Repository)
	}
	o.Repository, o.Tag = splitTag(o.Repository)
	c.making.Add(1)
	resource, err := engine.Ask(ctx, "start "+r.Name, engine.Change,
		func(context.Context) (*dockertest.Resource, error) {
			defer c.making.Done()
			return e.Pool.RunWithOptions(o, func(h *docker.HostConfig) { *h = host })
		})
	if err != nil {
		return nil, err
	}
	p := &container{
		name: r.Name, backend: c, engine: e, id: resource.Container.ID, image: r.Image, holders: holders,
		ended: make(chan struct{}),
	}
	for _, n := range resource.Container.NetworkSettings.Networks {
		p.ip = n.IPAddress
	}
	c.mu.Lock()
	c.started = append(c.started, p)
	c.mu.Unlock()
	go p.watch()
	return p, nil
}

// Close removes all of the run. There is nothing that a container would have to
// do before its end.
func (c *containers) Close(ctx context.Context) error {
	// What the engine is still making is waited for, but not for all of the time
	// that there is to clean up: the testbed finds it by its label in the end.
	made, cancel := context.WithTimeout(ctx, engine.Answer)
	_ = engine.AwaitDone(made, func() error { c.making.Wait(); return nil })
	cancel()
	c.mu.Lock()
	for _, p := range c.started {
		p.stopped.Store(true)
	}
	c.mu.Unlock()
	return c.bed.onEngines(func(e *engine.Engine) error { return e.RemoveRun(ctx, c.run) })
}

func splitTag(image string) (repository, tag string) {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, "latest"
}
