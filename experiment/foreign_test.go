package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"cometbench/images"
	"cometbench/internal/agent"
	"cometbench/internal/engine"
	"cometbench/internal/owner"
	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/subject"
	"cometbench/testbed"
)

func units(r *results.Run) string {
	var list []string
	for _, m := range r.Figures() {
		list = append(list, m.Unit)
	}
	return strings.Join(list, " ")
}

// TestRemote measures a broker that the testbed didn't start: only the author
// has figures.
func TestRemote(t *testing.T) {
	c := newConfig(t)
	command, err := testbed.Build(t.Context(), t.TempDir(), runtime.GOOS, runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	broker := exec.CommandContext(ctx, command, "broker",
		"-receive", "127.0.0.1:0", "-broadcast", "127.0.0.1:0", "-eventdb", t.TempDir())
	stdout, err := broker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = broker.Wait() }()
	var listening agent.Listening
	if err := json.NewDecoder(stdout).Decode(&listening); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, stdout)

	s := prepared(t, c, "tcp://"+listening.Receive)
	cell := matrix.Cell{Conns: 8, Events: 200}
	run, err := do(ctx, c, s, cell, "")
	if err != nil {
		t.Fatal(err)
	}
	if warnings := strings.Join(run.Warnings, "\n"); run.Author.Acked != 200 || strings.Contains(warnings, "database") {
		t.Errorf("author %+v, warnings %q, want none of a database", run.Author, warnings)
	}
	for _, unknown := range []string{"missing", "broker", "subscriber"} {
		if got := units(run); strings.Contains(got, unknown) {
			t.Errorf("there are figures of what can't be known: %s", got)
		}
	}
	cell.Latency = time.Millisecond
	if _, err := do(ctx, c, s, cell, ""); err == nil || !strings.Contains(err.Error(), "no latency can be added") {
		t.Errorf("with latency: %v", err)
	}
}

// TestPublic: test events go into the real network only by consent.
func TestPublic(t *testing.T) {
	c := newConfig(t)
	b, err := subject.Parse("tcp://192.0.2.1:8098") // RFC 5737: an address of documentation
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Prepare(t.Context(), c.Testbed, b, false); err == nil || !strings.Contains(err.Error(), "-public") {
		t.Errorf("without consent: %v", err)
	}
	if _, err := Prepare(t.Context(), c.Testbed, b, true); err != nil {
		t.Errorf("with consent: %v", err)
	}
}

// ownImage makes an image of our own command, which is removed at the test's end.
func ownImage(t *testing.T) (id string) {
	t.Helper()
	e, err := engine.Dial(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	command, err := testbed.Build(t.Context(), t.TempDir(), e.OS, e.Arch)
	if err != nil {
		t.Fatal(err)
	}
	me, err := owner.Self()
	if err != nil {
		t.Fatal(err)
	}
	builder := images.Builder{Client: e.Pool.Client, Owner: me.String()}
	image, err := builder.Author(t.Context(), command, nil)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// TestForeign measures an image that nobody here knows: the embedded broker's.
func TestForeign(t *testing.T) {
	require.Docker(t)
	c := newConfig(t)
	image := ownImage(t)
	const name = "cometbench-test/foreign:broker"
	build := exec.CommandContext(t.Context(), "docker", "build", "-q", "-t", name, "-")
	build.Stdin = strings.NewReader("FROM " + image + "\nWORKDIR /db\n" +
		"CMD [\"broker\", \"-receive\", \":8098\", \"-broadcast\", \":8099\", \"-eventdb\", \"/db\"]\n")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	defer func() {
		if out, err := exec.Command("docker", "rmi", "-f", name).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, bytes.TrimSpace(out))
		}
	}()
	s := prepared(t, c, "image:"+name)
	run, err := do(t.Context(), c, s, matrix.Cell{Conns: 8, Events: 200}, "")
	if err != nil {
		t.Fatal(err)
	}
	if run.Author.Acked != 200 || run.Subscriber.Entries != 200 || run.Software.Image == "" {
		t.Errorf("%+v", run)
	}
	if run.HarnessCPU <= 0 {
		t.Error("the CPU time of our subscriber isn't counted")
	}
	if got := units(run); strings.Contains(got, "broker-events") || !strings.Contains(got, "missing-events") {
		t.Errorf("figures: %s", got)
	}
	// What was prepared runs, whatever its name has come to mean; nothing is
	// pulled in its stead when it is gone.
	docker := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("docker", args...).CombinedOutput(); err != nil {
			t.Fatalf("docker %s: %v\n%s", args, err, out)
		}
	}
	cell := matrix.Cell{Conns: 1, Events: 1}
	docker("tag", image, name)
	if _, err := do(t.Context(), c, s, cell, ""); err != nil {
		t.Errorf("another image has its name: %v", err)
	}
	docker("rmi", s.Software.Image)
	_, err = do(t.Context(), c, s, cell, "")
	if err == nil || !strings.Contains(err.Error(), "no longer on the engine") {
		t.Errorf("the image was removed: %v", err)
	}
	none := subject.Subject{Name: "image:x", Kind: subject.Foreign, Path: "cometbench-test/none:none"}
	_, err = Prepare(t.Context(), c.Testbed, none, false)
	if err == nil || !strings.Contains(err.Error(), "no image cometbench-test/none:none") {
		t.Errorf("an image that isn't there: %v", err)
	}
}
