package testbed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cometbench/images"
	"cometbench/internal/engine"
	"cometbench/internal/tail"
	"cometbench/netem"
	"cometbench/subject"
	"cometbench/vtp"

	"github.com/ory/dockertest/v3"
	"github.com/ory/dockertest/v3/docker"
)

// containers is a site of containers on a network of their own: nothing is
// published on the host, so nothing stands between author and broker.
type containers struct {
	engine  *engine.Engine
	labels  map[string]string
	run     string
	plan    runPlan
	subject *Subject
	author  string // the author's image
	pinning pinning
	network *dockertest.Network
	// making is what the engine is just making or starting, also what nobody
	// waits for any more.
	making  sync.WaitGroup
	mu      sync.Mutex
	parts   map[part]*container
	sidecar *container
	delayed lines // that the sidecar prints
	deaths  chan error
	closing atomic.Bool
}

// container is one that was started.
type container struct {
	name  string
	id    string
	ip    string
	ended chan struct{} // closed when death is set
	death error         // nil where its end was asked for
}

// Where the parts keep their files in a container: on tmpfs, as the original
// experiment's were, since a disk in the path changes the result.
const (
	eventDBDir = "/eventdb"
	logFile    = "/logs/comet.log"
	outputDir  = "/output"
)

// Limits of a container. None is reached by a Comet that works.
const (
	memoryLimit  = 4 << 30 // bytes, the files on tmpfs included
	tmpfsOptions = "rw,nosuid,nodev,noexec,mode=1777,size=2g"
	cometPids    = 256
	nobody       = "65534:65534"
	// sidecarShares keep the delay its share of the CPU beside a broker and
	// an author that take all there is: the greatest weight there is.
	sidecarShares = 262144
)

func (t *Testbed) containers(s *Subject, plan runPlan) site {
	run := filepath.Base(plan.scratch)
	return &containers{
		engine: t.engine, labels: t.owner.Labels(run), run: run, plan: plan, subject: s, author: t.author, pinning: t.pinned,
		parts: make(map[part]*container), deaths: make(chan error, 4),
	}
}

func (c *containers) authorDir() string  { return outputDir }
func (c *containers) pinned() string     { return c.pinning.String() }
func (c *containers) died() <-chan error { return c.deaths }
func (c *containers) brokerAddr() string {
	return net.JoinHostPort(c.parts[brokerPart].ip, strconv.Itoa(vtp.DefaultPort))
}

// stopper runs a Comet for no longer than a deadline, hands SIGTERM on to it,
// and prints the end of its log, which is gone with the container.
const stopper = `trap 'kill "$child" 2>/dev/null' TERM
"$@" & child=$!
wait "$child"; code=$?
if [ "$code" -gt 128 ]; then wait "$child"; code=$?; fi
tail -n 20 ` + logFile + ` >&2 2>/dev/null
exit "$code"`

// prepare makes the run's network.
func (c *containers) prepare(ctx context.Context) error {
	c.making.Add(1)
	network, err := engine.Await(ctx, func() (*dockertest.Network, error) {
		defer c.making.Done()
		return c.engine.Pool.CreateNetwork("cometbench-"+c.run, func(o *docker.CreateNetworkOptions) {
			o.Labels, o.CheckDuplicate = c.labels, true
		})
	})
	if err != nil {
		return fmt.Errorf("create a network: %w", err)
	}
	c.network = network
	return nil
}

func (c *containers) start(ctx context.Context, p part) error {
	o := &dockertest.RunOptions{User: nobody}
	host := func(h *docker.HostConfig) {
		h.PidsLimit = cometPids
		h.Tmpfs = map[string]string{eventDBDir: tmpfsOptions, filepath.Dir(logFile): tmpfsOptions, "/tmp": tmpfsOptions}
	}
	comet := func(command []string) {
		o.Repository = c.subject.image.ID
		life := strconv.Itoa(int(c.plan.life.Seconds()))
		o.Entrypoint = append([]string{"timeout", "-k", "5", life, "sh", "-c", stopper, "sh"}, command...)
	}
	ours := func(name string, args ...string) {
		o.Repository, o.Cmd = c.author, append([]string{name, "-for", c.plan.life.String()}, args...)
	}
	embedded := c.subject.image == nil
	switch {
	case p == authorPart:
		ours("pause")
		host = func(h *docker.HostConfig) {
			h.PidsLimit = int64(c.plan.cell.Conns) + 1024 // a thread a connection at most
			h.Tmpfs = map[string]string{outputDir: tmpfsOptions}
			// Each event takes a port, which may rest in TIME_WAIT for a minute:
			// all ports are used, and used again after a second.
			h.Sysctls = map[string]string{
				"net.ipv4.ip_local_port_range": "1024 65535",
				"net.ipv4.tcp_tw_reuse":        "1",
			}
		}
	case p == brokerPart && c.subject.Broker.Kind == subject.Foreign:
		// As its maker meant it to run, but for the limits: it has no life of
		// its own, and is only found by its label. It is the image that was
		// found at first, whatever its name means by now.
		o.Repository, o.User = c.subject.Software.Image, ""
		host = func(h *docker.HostConfig) { h.PidsLimit, h.ReadonlyRootfs = cometPids, false }
	case p == brokerPart && embedded:
		ours("broker", "-receive", ":"+strconv.Itoa(vtp.DefaultPort), "-broadcast", ":"+strconv.Itoa(vtp.BroadcastPort), "-eventdb", eventDBDir)
	case p == brokerPart:
		comet(c.subject.image.Dialect.BrokerCommand(eventDBDir, logFile))
	case embedded:
		ours("subscriber", "-remote", net.JoinHostPort(c.parts[brokerPart].ip, strconv.Itoa(vtp.BroadcastPort)), "-eventdb", eventDBDir)
	default:
		comet(c.subject.image.Dialect.SubscriberCommand(c.parts[brokerPart].ip, eventDBDir, logFile))
	}
	started, err := c.launch(ctx, string(p), o, host)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.parts[p] = started
	c.mu.Unlock()
	return nil
}

// launch starts a container with no more privileges than o and host give it,
// and watches it.
func (c *containers) launch(ctx context.Context, name string, o *dockertest.RunOptions, host func(*docker.HostConfig)) (*container, error) {
	if c.engine.Lacks(ctx, o.Repository) { // it would be pulled
		return nil, fmt.Errorf("start %s: its image %s is no longer on the engine: start the benchmark again, and remove (or prune) no images while it runs", name, o.Repository)
	}
	o.Repository, o.Tag = splitTag(o.Repository)
	o.Name = "cometbench-" + c.run + "-" + name
	o.Labels = c.labels
	o.SecurityOpt = []string{"no-new-privileges"}
	if o.NetworkID == "" {
		o.NetworkID = c.network.Network.ID
	}
	c.making.Add(1)
	resource, err := engine.Await(ctx, func() (*dockertest.Resource, error) {
		defer c.making.Done()
		return c.engine.Pool.RunWithOptions(o, func(h *docker.HostConfig) {
			h.NetworkMode = c.network.Network.ID
			h.PublishAllPorts = false
			h.CapDrop = []string{"ALL"}
			h.ReadonlyRootfs = true
			h.Memory, h.MemorySwap = memoryLimit, memoryLimit
			h.CPUSetCPUs = c.pinning.of(name)
			host(h)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	started := &container{name: name, id: resource.Container.ID, ended: make(chan struct{})}
	for _, n := range resource.Container.NetworkSettings.Networks {
		started.ip = n.IPAddress
	}
	go c.watch(started)
	return started, nil
}

// watch waits for a container's end and tells of one that nobody asked for.
func (c *containers) watch(p *container) {
	defer close(p.ended)
	code, err := c.engine.Pool.Client.WaitContainer(p.id)
	if c.closing.Load() {
		return
	}
	if err == nil {
		err = fmt.Errorf("%s ended with exit code %d: %s", p.name, code, c.logs(p))
	}
	p.death = err
	c.deaths <- err
}

func (c *containers) logs(p *container) string {
	ctx, cancel := context.WithTimeout(context.Background(), engine.Answer)
	defer cancel()
	log := new(tail.Tail)
	err := c.engine.Pool.Client.Logs(docker.LogsOptions{
		Container: p.id, Stdout: true, Stderr: true, OutputStream: log, ErrorStream: log, Tail: "20", Context: ctx,
	})
	if err != nil {
		return err.Error()
	}
	return log.String()
}

func (c *containers) command(ctx context.Context, stdout, stderr io.Writer, args ...string) error {
	return c.exec(ctx, c.parts[authorPart], stdout, stderr, append([]string{images.AuthorCommand}, args...)...)
}

// exec runs a command in a container, to its end.
func (c *containers) exec(ctx context.Context, p *container, stdout, stderr io.Writer, command ...string) error {
	client := c.engine.Pool.Client
	exec, err := client.CreateExec(docker.CreateExecOptions{
		Container: p.id, Cmd: command, AttachStdout: true, AttachStderr: true, Context: ctx,
	})
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	err = engine.AwaitDone(ctx, func() error { // it may go on until the container is removed
		// The client sends its options as JSON, the streams among them: these
		// hide what a stream may hold.
		stdout, stderr := io.MultiWriter(stdout), io.MultiWriter(stderr)
		return client.StartExec(exec.ID, docker.StartExecOptions{OutputStream: stdout, ErrorStream: stderr})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	code, err := c.exitCode(ctx, exec.ID)
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	if code != 0 {
		return fmt.Errorf("%s: %s: exit code %d", p.name, strings.Join(command[:min(2, len(command))], " "), code)
	}
	return nil
}

// exitCode returns the exit code of a command that has closed its output. The
// engine may learn a moment later that it has ended, and says 0 until then.
func (c *containers) exitCode(ctx context.Context, exec string) (int, error) {
	for {
		told, err := engine.Await(ctx, func() (*docker.ExecInspect, error) { return c.engine.Pool.Client.InspectExec(exec) })
		if err != nil {
			return 0, err
		}
		if !told.Running {
			return told.ExitCode, nil
		}
		if err := engine.Pause(ctx, 5*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

func (c *containers) delay(ctx context.Context, latency time.Duration) (string, error) {
	o := &dockertest.RunOptions{Cmd: []string{
		"delay", "-for", c.plan.life.String(), "-interface", "eth0", "-latency", latency.String(), "-netem", string(c.plan.netem),
	}}
	o.Repository = c.author
	sidecar, err := c.launch(ctx, "delay", o, func(h *docker.HostConfig) {
		h.NetworkMode = "container:" + c.parts[authorPart].id
		h.CapAdd = []string{"NET_ADMIN", "NET_RAW"}
		h.CPUShares = sidecarShares
		h.PidsLimit = cometPids
	})
	if err != nil {
		return "", err
	}
	c.sidecar, c.delayed = sidecar, c.follow(sidecar)
	return readReady(ctx, c.delayed)
}

func (c *containers) undelay(ctx context.Context) (netem.Stats, error) {
	c.closing.Store(true) // an end is no surprise from now on
	err := c.engine.Pool.Client.KillContainer(docker.KillContainerOptions{ID: c.sidecar.id, Signal: docker.SIGTERM, Context: ctx})
	if err != nil {
		return netem.Stats{}, fmt.Errorf("delay: %w", err)
	}
	return readStats(ctx, c.delayed)
}

// follow returns the lines that a container prints, from the first.
func (c *containers) follow(p *container) lines {
	printed := make(chan string, 16)
	ended := make(chan error, 1)
	log := &tail.Tail{Each: func(line string) bool { printed <- line; return true }}
	go func() {
		ended <- c.engine.Pool.Client.Logs(docker.LogsOptions{
			Container: p.id, Stdout: true, Follow: true, OutputStream: log, ErrorStream: io.Discard,
		})
	}()
	return func(ctx context.Context) ([]byte, error) {
		select {
		case line := <-printed:
			return []byte(line), nil
		case err := <-ended:
			select {
			case line := <-printed: // the last ones, before its end
				ended <- err
				return []byte(line), nil
			default:
			}
			select {
			case <-p.ended:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
			if p.death != nil {
				return nil, p.death
			}
			return nil, errors.Join(fmt.Errorf("%s ended: %s", p.name, c.logs(p)), err)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (c *containers) copyOut(ctx context.Context, p part, dir string) error {
	reader, writer := io.Pipe()
	log := new(tail.Tail)
	unpacked := make(chan error, 1)
	go func() {
		err := unpack(reader, dir)
		reader.CloseWithError(err)
		unpacked <- err
	}()
	command := []string{"tar", "-C", eventDBDir, "-c", "."}
	switch {
	case p == authorPart:
		command = []string{images.AuthorCommand, "tar", outputDir}
	case c.subject.image == nil:
		command = []string{images.AuthorCommand, "tar", eventDBDir}
	}
	err := c.exec(ctx, c.parts[p], writer, log, command...)
	writer.Close()
	if unpackErr := <-unpacked; err == nil {
		err = unpackErr
	}
	if err == nil {
		return nil
	}
	text := log.String()
	if strings.Contains(text, "file changed as we read it") {
		err = errChanging
	}
	return fmt.Errorf("copy files of the %s: %w: %s", p, err, text)
}

func (c *containers) netstat(ctx context.Context, p part) (string, error) {
	if c.subject.image == nil {
		return "", nil // the image of our own command has no program to read it
	}
	var text strings.Builder
	if err := c.exec(ctx, c.parts[p], &text, io.Discard, "cat", "/proc/net/netstat"); err != nil {
		return "", err
	}
	return text.String(), nil
}

func (c *containers) harnessCPU(context.Context) (time.Duration, error) { return 0, nil }

// close asks every part to end, side by side, and removes all of the run.
func (c *containers) close(ctx context.Context) error {
	c.closing.Store(true)
	// What the engine is still making is waited for, but not for all of the time
	// that there is to clean up: the testbed finds it by its label in the end.
	made, cancel := context.WithTimeout(ctx, engine.Answer)
	_ = engine.AwaitDone(made, func() error { c.making.Wait(); return nil })
	cancel()
	var wg sync.WaitGroup
	client := c.engine.Pool.Client
	for p, started := range c.parts {
		wg.Go(func() {
			grace, cancel := context.WithTimeout(ctx, stopGrace)
			defer cancel()
			err := client.KillContainer(docker.KillContainerOptions{ID: started.id, Signal: docker.SIGTERM, Context: grace})
			if err == nil && p != authorPart { // which only holds the namespace
				client.WaitContainerWithContext(started.id, grace)
			}
			c.engine.RemoveContainer(ctx, started.id)
		})
	}
	wg.Wait()
	return c.engine.RemoveRun(ctx, c.run)
}

// stopGrace is how long a part may take to end before it is killed: a Comet ends
// in 0.15 s, but the subscriber of 1.1.0 sometimes not at all when its broker
// has ended just before. Nothing that was measured depends on it.
const stopGrace = time.Second

func splitTag(image string) (repository, tag string) {
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, "latest"
}
