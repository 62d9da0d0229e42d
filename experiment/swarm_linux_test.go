package experiment

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
)

// node is a Docker engine in namespaces of its own: all that it makes ends with it.
type node struct {
	dir string
	cmd *exec.Cmd // unshare: its network namespace is the engine's
}

// startNode runs in the namespaces. What the engine has on this machine in folders of
// everybody's stays in a folder of its own.
const startNode = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t proc proc /proc
ip link set lo up
exec dockerd -H "unix://$1/engine.sock" --data-root "$1/data" --exec-root /run/docker --pidfile /run/docker.pid \
	--bridge none --cgroup-parent "$2"`

// newSwarm makes two engines that are joined by a veth pair, and by a swarm of which
// the first is the manager.
func newSwarm(t *testing.T) [2]*node {
	t.Helper()
	require.Root(t)
	for _, program := range []string{"dockerd", "docker", "unshare", "nsenter", "ip"} {
		require.Command(t, "swarm", program)
	}
	if out, err := exec.Command("unshare", "--net", "ip", "link", "add", "vx0", "type", "vxlan", "id", "1", "dstport",
		"4789").CombinedOutput(); err != nil {
		require.Missing(t, "swarm", "the kernel has no VXLAN: "+strings.TrimSpace(string(out)))
	}
	var nodes [2]*node
	for i := range nodes {
		nodes[i] = launchNode(t, i)
	}
	pid := func(i int) string { return strconv.Itoa(nodes[i].cmd.Process.Pid) }
	command(t, "ip", "link", "add", "wire", "netns", pid(0), "type", "veth", "peer", "name", "wire", "netns", pid(1))
	for i, n := range nodes {
		n.within(t, "ip", "address", "add", fmt.Sprintf("192.168.214.%d/30", i+1), "dev", "wire")
		n.within(t, "ip", "link", "set", "wire", "up")
	}
	for _, n := range nodes {
		n.awaitAnswer(t)
	}
	nodes[0].docker(t, "swarm", "init", "--advertise-addr", "192.168.214.1")
	token := nodes[0].docker(t, "swarm", "join-token", "--quiet", "worker")
	nodes[1].docker(t, "swarm", "join", "--advertise-addr", "192.168.214.2", "--token", token, "192.168.214.1:2377")
	return nodes
}

// launchNode starts an engine, and ends it with the test.
func launchNode(t *testing.T, i int) *node {
	t.Helper()
	parent := cgroup(t) + fmt.Sprintf("/cometbench-%d-%d", os.Getpid(), i)
	n := &node{dir: t.TempDir()}
	log := new(bytes.Buffer)
	n.cmd = exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", startNode, "sh",
		n.dir, parent)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, child := range n.children() { // the first process of the PID namespace: it is gone when all others are
			child.Kill()
		}
		n.cmd.Wait()
		removeCgroups(parent)
		if t.Failed() {
			t.Logf("engine %d: %s", i, log.Bytes()[max(0, log.Len()-2000):])
		}
	})
	mine, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	await(t, "network namespace", func() bool {
		its, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", n.cmd.Process.Pid))
		return err == nil && its != mine && len(n.children()) > 0
	})
	return n
}

// children are unshare's.
func (n *node) children() (list []*os.Process) {
	pid := n.cmd.Process.Pid
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return nil
	}
	for _, word := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil {
			if p, err := os.FindProcess(pid); err == nil {
				list = append(list, p)
			}
		}
	}
	return list
}

func (n *node) host() string { return "unix://" + n.dir + "/engine.sock" }

func (n *node) awaitAnswer(t *testing.T) {
	t.Helper()
	await(t, "answer of an engine", func() bool {
		if len(n.children()) == 0 {
			t.Fatal("an engine doesn't start")
		}
		return exec.Command("docker", "-H", n.host(), "version").Run() == nil
	})
}

func (n *node) docker(t *testing.T, args ...string) string {
	t.Helper()
	return command(t, "docker", append([]string{"-H", n.host()}, args...)...)
}

// within runs a command in the engine's network namespace.
func (n *node) within(t *testing.T, args ...string) string {
	t.Helper()
	return command(t, "nsenter", append([]string{"-t", strconv.Itoa(n.cmd.Process.Pid), "--net"}, args...)...)
}

// received returns how many bytes have come over the wire.
func (n *node) received(t *testing.T) int {
	t.Helper()
	// "wire: 4711 ...": the first of its counters (proc_pid_net(5)).
	line := command(t, "grep", "wire:", fmt.Sprintf("/proc/%d/net/dev", n.cmd.Process.Pid))
	_, counters, _ := strings.Cut(line, ":")
	bytes, err := strconv.Atoi(strings.Fields(counters)[0])
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return bytes
}

// left returns what has the label of an owner on the engine.
func (n *node) left(t *testing.T, label string) (ids []string) {
	t.Helper()
	for _, list := range [][]string{{"ps", "-aq"}, {"network", "ls", "-q"}, {"image", "ls", "-q"}} {
		ids = append(ids, strings.Fields(n.docker(t, append(list, "--filter", "label="+label)...))...)
	}
	return ids
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// await waits until something is there.
func await(t *testing.T, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !there(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s in a minute", what)
		}
	}
}

// cgroup returns this process's, which may have its share of the processors only: an
// engine's containers are to stay in it. (In cgroups of version 2 they can't.)
func cgroup(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) == 3 && slices.Contains(strings.Split(fields[1], ","), "cpu") {
			return strings.TrimSuffix(fields[2], "/")
		}
	}
	return ""
}

// removeCgroups removes those of an engine that has ended.
func removeCgroups(parent string) {
	found, _ := filepath.Glob("/sys/fs/cgroup/*" + parent)
	for _, root := range append(found, "/sys/fs/cgroup"+parent) {
		var folders []string
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				folders = append(folders, path)
			}
			return nil
		})
		for _, path := range slices.Backward(folders) {
			os.Remove(path)
		}
	}
}
