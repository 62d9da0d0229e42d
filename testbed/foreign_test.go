package testbed

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/subject"
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
	bed := newTestbed(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	broker := exec.CommandContext(ctx, bed.command, "broker", "-receive", "127.0.0.1:0", "-broadcast", "127.0.0.1:0", "-eventdb", t.TempDir())
	stdout, err := broker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = broker.Wait() }()
	var listening struct{ Receive string }
	if err := json.NewDecoder(stdout).Decode(&listening); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, stdout)

	s := prepared(t, bed, "tcp://"+listening.Receive)
	cell := matrix.Cell{Broker: s.Broker.Label, Conns: 8, Events: 200}
	run, err := bed.Run(ctx, s, cell, "", stopped{})
	if err != nil {
		t.Fatal(err)
	}
	if run.Author.Acked != 200 || len(run.Warnings) != 0 {
		t.Errorf("author %+v, warnings %q", run.Author, run.Warnings)
	}
	if got := units(run); strings.Contains(got, "missing") || strings.Contains(got, "broker") || strings.Contains(got, "subscriber") {
		t.Errorf("there are figures of what can't be known: %s", got)
	}
	cell.Latency = time.Millisecond
	if _, err := bed.Run(ctx, s, cell, "", stopped{}); err == nil || !strings.Contains(err.Error(), "no latency can be added") {
		t.Errorf("with latency: %v", err)
	}
}

// TestPublic: test events go into the real network only by consent.
func TestPublic(t *testing.T) {
	bed := newTestbed(t)
	b, err := subject.Parse("tcp://192.0.2.1:8098") // RFC 5737: an address of documentation
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bed.Prepare(t.Context(), b); err == nil || !strings.Contains(err.Error(), "-public") {
		t.Errorf("without consent: %v", err)
	}
	bed.config.Public = true
	if _, err := bed.Prepare(t.Context(), b); err != nil {
		t.Errorf("with consent: %v", err)
	}
}

// TestForeign measures an image that nobody here knows: the embedded broker's.
func TestForeign(t *testing.T) {
	require.Docker(t)
	bed := newTestbed(t)
	if err := bed.prepareContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	const name = "cometbench-test/foreign:broker"
	build := exec.CommandContext(t.Context(), "docker", "build", "-q", "-t", name, "-")
	build.Stdin = strings.NewReader("FROM " + bed.author + "\nWORKDIR /db\nCMD [\"broker\", \"-receive\", \":8098\", \"-broadcast\", \":8099\", \"-eventdb\", \"/db\"]\n")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	defer func() {
		if out, err := exec.Command("docker", "rmi", "-f", name).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, bytes.TrimSpace(out))
		}
	}()
	s := prepared(t, bed, "image:"+name)
	run, err := bed.Run(t.Context(), s, matrix.Cell{Broker: s.Broker.Label, Conns: 8, Events: 200}, "", stopped{})
	if err != nil {
		t.Fatal(err)
	}
	if run.Author.Acked != 200 || run.Subscriber.Entries != 200 || run.Software.Image == "" {
		t.Errorf("%+v", run)
	}
	if got := units(run); strings.Contains(got, "broker-") || !strings.Contains(got, "missing-events") {
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
	cell := matrix.Cell{Broker: s.Broker.Label, Conns: 1, Events: 1}
	docker("tag", bed.author, name)
	if _, err := bed.Run(t.Context(), s, cell, "", stopped{}); err != nil {
		t.Errorf("another image has its name: %v", err)
	}
	docker("rmi", s.Software.Image)
	if _, err := bed.Run(t.Context(), s, cell, "", stopped{}); err == nil || !strings.Contains(err.Error(), "no longer on the engine") {
		t.Errorf("the image was removed: %v", err)
	}
	if _, err := bed.Prepare(t.Context(), subject.Subject{Name: "image:x", Kind: subject.Foreign, Path: "cometbench-test/none:none"}); err == nil || !strings.Contains(err.Error(), "no image cometbench-test/none:none") {
		t.Errorf("an image that isn't there: %v", err)
	}
}
