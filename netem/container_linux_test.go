package netem

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
)

// containers is an author and a server in containers of their own, without
// any capability, joined by a network. They contain only our binaries.
type containers struct {
	prefix string // of every name
	image  string
	server string // HOST:PORT
}

func docker(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "docker", args...)
}

func newContainers(t *testing.T) *containers {
	t.Helper()
	require.Docker(t)
	c := &containers{prefix: "cometbench-netem-" + strconv.Itoa(os.Getpid())}
	c.image = c.prefix
	// Removing what wasn't made fails, and may.
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = docker(ctx, "rm", "-f", "-v", c.name("author"), c.name("server")).Run()
		_ = docker(ctx, "network", "rm", c.prefix).Run()
		_ = docker(ctx, "rmi", "-f", c.image).Run()
	})
	c.importImage(t)
	output(t, docker(t.Context(), "network", "create", "--label", "cometbench.test=netem", c.prefix))
	run := func(name string, command ...string) {
		args := []string{"run", "-d", "-i", "--name", c.name(name), "--network", c.prefix, "--label", "cometbench.test=netem",
			"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", c.image}
		output(t, docker(t.Context(), append(args, command...)...))
	}
	run("author", "/cometbench", "pause", "-for", "10m")
	run("server", "/netem.test", "serve")
	c.server = net.JoinHostPort(c.name("server"), c.port(t))
	return c
}

func (c *containers) name(role string) string { return c.prefix + "-" + role }

// importImage makes the image from a tar archive.
func (c *containers) importImage(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for _, build := range [][]string{
		{"test", "-c", "-o", filepath.Join(dir, "netem.test"), "."},
		{"build", "-o", filepath.Join(dir, "cometbench"), "../cmd/cometbench"},
	} {
		cmd := exec.CommandContext(t.Context(), "go", build...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		output(t, cmd)
	}
	tar := exec.CommandContext(t.Context(), "tar", "-C", dir, "-c", "netem.test", "cometbench")
	archive, err := tar.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	load := docker(t.Context(), "import", "-c", "LABEL cometbench.test=netem", "-", c.image)
	load.Stdin = archive
	if err := tar.Start(); err != nil {
		t.Fatal(err)
	}
	output(t, load)
	if err := tar.Wait(); err != nil {
		t.Fatal(err)
	}
}

// port reads the port that the server prints.
func (c *containers) port(t *testing.T) string {
	t.Helper()
	logs := docker(t.Context(), "logs", "-f", c.name("server"))
	out, err := logs.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := logs.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = logs.Process.Kill()
		_ = logs.Wait()
	}()
	var port int
	if err := json.NewDecoder(out).Decode(&port); err != nil {
		t.Fatalf("the server's port: %v", err)
	}
	return strconv.Itoa(port)
}

// sidecar runs "cometbench delay" in the author's network namespace.
func (c *containers) sidecar(ctx context.Context, latency time.Duration, capabilities ...string) *exec.Cmd {
	args := []string{"run", "-i", "--rm", "--name", c.name("delay"), "--network", "container:" + c.name("author"),
		"--label", "cometbench.test=netem", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only",
		"--cpu-shares", "262144"}
	for _, capability := range capabilities {
		args = append(args, "--cap-add", capability)
	}
	args = append(args, c.image, "/cometbench", "delay", "-stdin", "-netem", "userspace", "-latency", latency.String())
	return docker(ctx, args...)
}

// rtt returns the round trip by count handshakes.
func (c *containers) rtt(ctx context.Context, count int) (time.Duration, error) {
	rtt := docker(ctx, "exec", c.name("author"), "/netem.test", "rtt", "-addr", c.server, "-count", strconv.Itoa(count))
	out, err := rtt.Output()
	if err != nil {
		return 0, err
	}
	var samples []time.Duration
	if err := json.Unmarshal(out, &samples); err != nil {
		return 0, fmt.Errorf("%s: %w", out, err)
	}
	return figure(samples), nil
}

// TestContainer delays an author in a container that has no capability, by a
// container beside it that has two.
func TestContainer(t *testing.T) {
	c := newContainers(t)
	handshakes := func(t *testing.T, count int) func() time.Duration {
		return func() time.Duration {
			rtt, err := c.rtt(t.Context(), count)
			if err != nil {
				t.Fatal(err)
			}
			return rtt
		}
	}
	base := roundTrip(t, handshakes(t, 50))
	measure := func(t *testing.T, latency time.Duration) *process {
		t.Helper()
		d := start(t, c.sidecar(context.Background(), latency, "NET_ADMIN", "NET_RAW"))
		d.read(t, new(Ready))
		check(t, "handshake", base, latency, handshakes(t, 30))
		return d
	}
	for _, latency := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond} {
		t.Run(latency.String(), func(t *testing.T) {
			d := measure(t, latency)
			_ = d.stdin.Close()
			var s Stats
			d.read(t, &s)
			d.end(t)
			checkStats(t, s, 60)
		})
	}
	t.Run("killed", func(t *testing.T) {
		d := measure(t, 10*time.Millisecond)
		output(t, docker(t.Context(), "kill", c.name("delay")))
		d.ended = true
		_ = d.cmd.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if rtt, err := c.rtt(ctx, 1); err == nil {
			t.Errorf("got a handshake in %v after the delaying container was killed, want none", rtt)
		}
		d = measure(t, 10*time.Millisecond)
		_ = d.stdin.Close()
		d.read(t, new(Stats))
		d.end(t)
		undelayed(t, "after all", base, handshakes(t, 50))
	})
	for lacking, has := range map[string]string{"NET_ADMIN": "NET_RAW", "NET_RAW": "NET_ADMIN"} {
		t.Run("without "+lacking, func(t *testing.T) {
			out, err := c.sidecar(t.Context(), time.Millisecond, has).CombinedOutput()
			for _, want := range []string{"the capability " + lacking, "--cap-add " + lacking} {
				if err == nil || !strings.Contains(string(out), want) {
					t.Errorf("got %v and %s, want an error with %q", err, out, want)
				}
			}
			undelayed(t, "after that", base, handshakes(t, 20))
		})
	}
}

// TestPairInContainer makes a pair in a container, which may make neither
// network nor user namespaces.
func TestPairInContainer(t *testing.T) {
	c := newContainers(t)
	nest := start(t, docker(context.Background(), "exec", "-i", c.name("author"), "/netem.test", "nest"))
	var n nested
	nest.read(t, &n)
	nest.end(t)
	if !n.Unsupported || !strings.Contains(n.Err, "operation not permitted") {
		t.Errorf("got %q (unsupported: %v), want an unsupported operation", n.Err, n.Unsupported)
	}
}
