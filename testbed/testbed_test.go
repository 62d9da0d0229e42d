package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cometbench/images"
	"cometbench/internal/engine"
	"cometbench/internal/owner"
	"cometbench/internal/require"
)

// newTestbed makes a testbed that is closed, and has left nothing, at the
// test's end.
func newTestbed(t *testing.T) *Testbed {
	t.Helper()
	bed, err := New(t.Context(), Config{Executable: Build})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bed.Close(); err != nil {
			t.Error(err)
		}
		if found := left(t, bed.owner); len(found) > 0 {
			t.Errorf("left behind: %q", found)
		}
	})
	return bed
}

// left returns what an owner still has on this machine and its engine.
func left(t *testing.T, o owner.Owner) (found []string) {
	t.Helper()
	for _, parent := range owner.ScratchParents() {
		dirs, err := filepath.Glob(filepath.Join(parent, owner.ScratchPrefix+o.Word()+"*"))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, dirs...)
	}
	if _, err := exec.LookPath("docker"); err != nil {
		return found
	}
	for _, list := range [][]string{{"ps", "-aq"}, {"network", "ls", "-q"}, {"image", "ls", "-q"}} {
		list = append(list, "--filter", "label="+owner.LabelOwner+"="+o.String())
		out, err := exec.Command("docker", list...).Output()
		if err != nil {
			return found // no engine
		}
		for _, id := range strings.Fields(string(out)) {
			found = append(found, list[0]+" "+id)
		}
	}
	return found
}

// backends are what the contract of a backend is held against.
func backends(t *testing.T, test func(t *testing.T, b Backend)) {
	bed := newTestbed(t)
	for _, tt := range []struct {
		name string
		open func(t *testing.T, dir string) (Backend, error)
	}{
		{"loopback", func(t *testing.T, dir string) (Backend, error) { return bed.Local(t.Context(), dir, false) }},
		{"namespaces", func(t *testing.T, dir string) (Backend, error) {
			require.Root(t)
			return bed.Local(t.Context(), dir, true)
		}},
		{"containers", func(t *testing.T, dir string) (Backend, error) {
			require.Docker(t)
			return bed.Containers(t.Context(), dir, time.Minute)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, err := bed.Folder()
			if err != nil {
				t.Fatal(err)
			}
			b, err := tt.open(t, dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := b.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			test(t, b)
		})
	}
}

func start(t *testing.T, b Backend, r Role) Process {
	t.Helper()
	p, err := b.Start(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOthers: a benchmark that runs at the same time is known by its folder on
// this machine, and by its containers on the engine.
func TestOthers(t *testing.T) {
	require.Docker(t)
	bed := newTestbed(t)
	before, err := bed.Others(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, err := bed.Folder()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bed.Containers(t.Context(), dir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(t.Context())
	start(t, b, Role{Name: Broker, Command: []string{"pause"}})
	parent, err := owner.Of(os.Getppid())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		who  owner.Owner
		want int
	}{{bed.owner, before}, {parent, before + 1}} {
		bed := &Testbed{owner: tt.who, engine: bed.engine}
		if got, err := bed.Others(t.Context()); err != nil || got != tt.want {
			t.Errorf("%v: got %d others, %v, want %d", tt.who, got, err, tt.want)
		}
	}
}

// TestFullFolder: of a folder without room nothing is believed.
func TestFullFolder(t *testing.T) {
	require.Docker(t)
	bed := newTestbed(t)
	dir, err := bed.Folder()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bed.Containers(t.Context(), dir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(t.Context())
	const base = "cometbench/base:python3.11"
	if _, err := bed.FindImage(t.Context(), base); err != nil {
		require.Missing(t, "docker", "no image "+base+": images/base/build makes it")
	}
	// A file with a hole takes no memory, but counts like one without.
	fill := fmt.Sprintf("truncate -s %d fill && echo filled && sleep 60", folderLimit)
	p := start(t, b, Role{Name: Subscriber, Image: base, Command: []string{"sh", "-c", fill}})
	if line, err := p.Line(t.Context()); err != nil || string(line) != "filled" {
		t.Fatalf("got %q, %v", line, err)
	}
	if err := p.CopyOut(t.Context(), t.TempDir()); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want %v", err, ErrFull)
	}
}

// TestStop: of a role that is stopped the end is expected, and of no other.
func TestStop(t *testing.T) {
	backends(t, func(t *testing.T, b Backend) {
		stopped := start(t, b, Role{Name: Subscriber, Command: []string{"pause"}})
		start(t, b, Role{Name: Broker, Command: []string{"pause", "-for", "2s"}})
		if err := stopped.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-b.Died():
			if !strings.Contains(err.Error(), Broker) {
				t.Errorf("%v, want the death of the broker", err)
			}
		case <-time.After(time.Minute):
			t.Error("no death of the broker")
		}
	})
}

// TestProcess: a role's lines, its address, its folder, and a command beside it.
func TestProcess(t *testing.T) {
	backends(t, func(t *testing.T, b Backend) {
		any := b.Host() + ":0"
		broker := start(t, b, Role{Name: Broker, Command: []string{
			"broker", "-receive", any, "-broadcast", any, "-eventdb", ".",
		}})
		if line, err := broker.Line(t.Context()); err != nil || !strings.Contains(string(line), "receive") {
			t.Fatalf("%q, %v, want where the broker listens", line, err)
		}
		author := start(t, b, Role{Name: Author, Command: []string{"pause"}})
		var out, errs bytes.Buffer
		pid := fmt.Sprint(author.Address().PID)
		if err := author.Run(t.Context(), nil, &out, &errs, "usage", "-pid", pid); err != nil {
			t.Fatalf("%v: %s", err, &errs)
		}
		if !strings.Contains(out.String(), `"cpu_ns"`) {
			t.Errorf("usage printed %q", &out)
		}
		out.Reset()
		requests := strings.NewReader(`["usage"] ["usage", "-pid", "none"] ["usage"]`)
		if err := author.Run(t.Context(), requests, &out, &errs, "serve"); err != nil ||
			strings.Count(out.String(), `cpu_ns`) != 2 || !strings.Contains(out.String(), `"code":2`) {
			t.Errorf("serve printed %q, want two usages and an error between: %v: %s", &out, err, &errs)
		}
		if err := author.Run(t.Context(), nil, io.Discard, &errs, "usage", "-pid", "none"); err == nil {
			t.Error("a command that fails is no error")
		}
		dir := t.TempDir()
		if err := broker.CopyOut(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		if broker.Address().Host == "" {
			t.Errorf("%+v, want a host", broker.Address())
		}
	})
}

// ofRuns leaves out what outlives an experiment: the testbed's folders and the
// image of our command.
func ofRuns(found []string) []string {
	return slices.DeleteFunc(found, func(what string) bool {
		return strings.HasPrefix(what, owner.Memory()) || strings.HasPrefix(what, os.TempDir()) ||
			strings.HasPrefix(what, "image ")
	})
}

// TestCloseEarly: a start that was cancelled leaves nothing.
func TestCloseEarly(t *testing.T) {
	require.Docker(t)
	bed := newTestbed(t)
	if err := bed.PrepareContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
		dir, err := bed.Folder()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), after)
		b, err := bed.Containers(ctx, dir, time.Minute)
		if err == nil {
			_, err = b.Start(ctx, Role{Name: Author, Command: []string{"pause"}})
			if closeErr := b.Close(t.Context()); closeErr != nil {
				t.Error(closeErr)
			}
		}
		cancel()
		if found := ofRuns(left(t, bed.owner)); len(found) > 0 {
			t.Errorf("cancelled after %v (%v): left behind: %q", after, err, found)
		}
	}
}

// TestKilled kills a benchmark, kill -9, while its roles run: its janitor cleans
// up.
func TestKilled(t *testing.T) {
	if os.Getenv(victimVariable) != "" {
		runVictim(t)
		return
	}
	require.Docker(t)
	me, err := owner.Self()
	if err != nil {
		t.Fatal(err)
	}
	next, err := engine.Dial(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, backend := range []string{"local", "containers"} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // time for an image to be built
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilled$", "-test.v")
		cmd.Env = append(os.Environ(), victimVariable+"="+backend)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		o, err := owner.Of(cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		for !strings.Contains(said.String(), "started") {
			b := make([]byte, 256)
			n, err := stdout.Read(b)
			said.Write(b[:n])
			if err != nil {
				t.Fatalf("the victim ended: %s", said.String())
			}
		}
		if len(left(t, o)) == 0 {
			t.Errorf("%s: nothing to be left", backend)
		}
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) {
			t.Fatal(err)
		}
		// The next benchmark begins while the janitor is at it.
		if err := errors.Join(owner.SweepScratch(me), next.Sweep(ctx, me)); err != nil {
			t.Errorf("%s: sweep at once: %v", backend, err)
		}
		deadline := time.Now().Add(time.Minute)
		for len(left(t, o)) > 0 && time.Now().Before(deadline) {
			time.Sleep(50 * time.Millisecond)
		}
		if found := left(t, o); len(found) > 0 {
			t.Errorf("%s: left behind: %q", backend, found)
		}
	}
}

const victimVariable = "COMETBENCH_TEST_VICTIM"

func runVictim(t *testing.T) {
	bed, err := New(t.Context(), Config{Executable: Build})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := bed.Folder()
	if err != nil {
		t.Fatal(err)
	}
	var b Backend
	if os.Getenv(victimVariable) == "local" {
		b, err = bed.Local(t.Context(), dir, false)
	} else {
		b, err = bed.Containers(t.Context(), dir, 5*time.Minute)
	}
	if err != nil {
		t.Fatal(err)
	}
	start(t, b, Role{Name: Broker, Command: []string{"pause"}})
	start(t, b, Role{Name: Author, Command: []string{"pause"}})
	fmt.Println("started")
	t.Fatal(<-b.Died())
}

// TestSweep: what a process that died without a janitor left is removed by the
// next testbed, and what a living one has stays.
func TestSweep(t *testing.T) {
	require.Docker(t)
	bed := newTestbed(t)
	if err := bed.PrepareContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	dead, err := owner.Parse(bed.owner.String() + "1") // the process that had this one's id at another time
	if err != nil {
		t.Fatal(err)
	}
	run := func(o owner.Owner) string {
		t.Helper()
		out, err := exec.Command("docker", "run", "-d", "--network", "none",
			"--label", owner.LabelOwner+"="+o.String(), "--label", owner.LabelRun+"=test",
			bed.images[bed.engine], "pause", "-for", "5m").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	leave := func() {
		t.Helper()
		run(dead)
		run(dead)
		out, err := exec.Command("docker", "network", "create",
			"--label", owner.LabelOwner+"="+dead.String(), "cometbench-test").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		builder := images.Builder{Client: bed.engine.Pool.Client, Owner: dead.String()}
		if _, err := builder.Author(t.Context(), bed.command, nil); err != nil {
			t.Fatal(err)
		}
	}
	// Several may sweep at a time, a janitor and the next benchmark.
	leave()
	swept := make(chan error, 3)
	for range cap(swept) {
		go func() { swept <- bed.engine.Sweep(t.Context(), bed.owner) }()
	}
	for range cap(swept) {
		if err := <-swept; err != nil {
			t.Errorf("sweep side by side: %v", err)
		}
	}
	leave()
	living := run(bed.owner)
	scratch, err := owner.MakeScratch(owner.Memory(), dead)
	if err != nil {
		t.Fatal(err)
	}
	next, err := New(t.Context(), Config{Executable: Build})
	if err != nil {
		t.Fatal(err)
	}
	if found := left(t, dead); len(found) > 0 {
		t.Errorf("left by the dead: %v", found)
	}
	if _, err := os.Stat(scratch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a dead owner: %v", err)
	}
	if out, err := exec.Command("docker", "inspect", living).CombinedOutput(); err != nil {
		t.Errorf("a living owner's container is gone: %s", out)
	}
	// The engine's things of this owner go with either of its testbeds.
	if err := next.Close(); err != nil {
		t.Error(err)
	}
}
