package netem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cometbench/internal/require"
)

// nested is what a process reports that has made a pair and tried it.
type nested struct {
	Author, Broker int // the processes that keep the namespaces
	User           bool
	Ports          string // of the author's namespace
	Stats          Stats
	Err            string
	Unsupported    bool
}

const nestedLatency = 5 * time.Millisecond

// nest makes a pair, tries it, reports, and keeps the pair until stdin ends.
func nest(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	var n nested
	self, err := os.Executable()
	if err != nil {
		return err
	}
	pair, err := NewPair(ctx, self)
	if err == nil {
		defer pair.Close()
		n.Author, n.Broker, n.User = pair.author, pair.broker, pair.user
		err = n.try(ctx, pair, self)
	}
	if err != nil {
		n.Err, n.Unsupported = err.Error(), errors.Is(err, ErrUnsupported)
	}
	if err := json.NewEncoder(stdout).Encode(n); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stdin)
	return err
}

func (n *nested) try(ctx context.Context, pair *Pair, self string) error {
	ports, err := pair.AuthorCommand(ctx, "cat", "/proc/sys/net/ipv4/ip_local_port_range").Output()
	if err != nil {
		return fmt.Errorf("read the port range: %w", err)
	}
	n.Ports = strings.Join(strings.Fields(string(ports)), " ")

	server := pair.BrokerCommand(ctx, self, "serve")
	serverIn, err1 := server.StdinPipe()
	serverOut, err2 := server.StdoutPipe()
	if err := errors.Join(err1, err2, server.Start()); err != nil {
		return err
	}
	defer server.Wait()
	defer serverIn.Close()
	var port int
	if err := json.NewDecoder(serverOut).Decode(&port); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	measure := func() (time.Duration, error) {
		out, err := pair.AuthorCommand(ctx, self, "rtt", "-addr", fmt.Sprintf("%v:%d", pair.BrokerAddr, port)).Output()
		var samples []time.Duration
		if err := errors.Join(err, json.Unmarshal(out, &samples)); err != nil {
			return 0, err
		}
		return figure(samples), nil
	}
	// A machine that is kept from its work makes round trips longer for a moment; a
	// delay that shouldn't be there makes all of them.
	base, err := measure()
	for again := 0; err == nil && base >= nestedLatency && again < 10; again++ {
		base, err = measure()
	}
	if err != nil {
		return err
	}
	delay := pair.AuthorCommand(ctx, self, "delay", "-latency", nestedLatency.String(), "-netem", "userspace")
	delay.Stderr = os.Stderr
	delayIn, err1 := delay.StdinPipe()
	delayOut, err2 := delay.StdoutPipe()
	if err := errors.Join(err1, err2, delay.Start()); err != nil {
		return err
	}
	defer delay.Wait()
	defer delayIn.Close()
	reports := json.NewDecoder(delayOut)
	if err := reports.Decode(new(Ready)); err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	// TestContract measures delays. Here it has to be there.
	rtt, err := measure()
	if err != nil {
		return err
	}
	if base >= nestedLatency || rtt < nestedLatency {
		return fmt.Errorf("got round trips of %v without the delay and %v with it, want %v between them",
			base, rtt, nestedLatency)
	}
	_ = delayIn.Close()
	return reports.Decode(&n.Stats)
}

// startNest runs nest as the user uid.
func startNest(t *testing.T, uid uint32) (*process, nested) {
	t.Helper()
	cmd := exec.Command(copySelf(t), "nest")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
	}
	p := start(t, cmd)
	var n nested
	p.read(t, &n)
	return p, n
}

// copySelf copies the test's executable to where everyone may run it.
func copySelf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "netem-test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "netem.test")
	if err := errors.Join(os.WriteFile(path, binary, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPair(t *testing.T) {
	require.Root(t)
	for _, test := range []struct {
		name string
		what string
		uid  uint32
	}{{"root", "netem", 0}, {"user namespace", "userns", 65534}} {
		t.Run(test.name, func(t *testing.T) {
			p, n := startNest(t, test.uid)
			if n.Unsupported {
				require.Missing(t, test.what, n.Err)
			}
			if n.Err != "" {
				p.kill()
				t.Fatalf("%s\n%s", n.Err, &p.stderr)
			}
			if n.User != (test.uid != 0) {
				t.Errorf("a user namespace: got %v, want %v", n.User, test.uid != 0)
			}
			if n.Ports != "1024 65535" {
				t.Errorf("the author's port range: got %s, want 1024 65535", n.Ports)
			}
			checkStats(t, n.Stats, 10)

			// When it is killed, nothing is left.
			p.kill()
			for _, pid := range []int{n.Author, n.Broker} {
				gone(t, pid)
			}
		})
	}
}

// gone waits for a process to be gone, or fails.
func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("process %d, which kept a namespace, is still there", pid)
}

func TestPairErrors(t *testing.T) {
	_, err := NewPair(t.Context(), "/does/not/exist")
	if err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("NewPair: got %v, want an error that names the executable", err)
	}
	if err := new(Pair).Close(); err != nil {
		t.Errorf("Close of a pair that wasn't made: got %v, want nil", err)
	}
	if err := Exec("/proc/self/ns/net", nil); err == nil {
		t.Error("Exec: got nil, want an error: there is no command")
	}
	const missing = "/does/not/exist"
	if err := Exec(missing, []string{"true"}); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("Exec: got %v, want an error that names the namespace", err)
	}
}

func TestAddErrors(t *testing.T) {
	for _, test := range []struct {
		d    Delay
		want string
	}{
		{Delay{OneWay: time.Millisecond}, "no interface"},
		{Delay{Interface: "lo"}, "more than 0"},
		{Delay{Interface: "lo", OneWay: 2 * MaxOneWay}, "at most 1m0s"},
		{Delay{Interface: "lo", OneWay: 1, Kind: "slow"}, `"slow"`},
		{Delay{Interface: "lo", OneWay: 1, Packets: -1}, "0 or more"},
		{Delay{Interface: "nothing0", OneWay: 1}, "network namespace: lo"},
		{Delay{Interface: "lo", OneWay: 1, Kind: Userspace}, "Ethernet"},
	} {
		if err := addAndRemove(test.d); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.d, err, test.want)
		}
	}
}
