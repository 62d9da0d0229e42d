package experiment

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"cometbench/internal/engine"
	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/testbed"

	"github.com/ory/dockertest/v3/docker"
)

// TestUsageAgrees holds what a run says of a Comet against what `docker stats` shows
// of its container, from its cgroup, and /proc of its processes, from outside.
func TestUsageAgrees(t *testing.T) {
	require.Docker(t)
	require.Root(t)
	c := newConfig(t)
	s := prepared(t, c, "comet-3.1.0")
	e, err := engine.Dial(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	x := started(t, c, s, matrix.Cell{Broker: s.Label, Conns: 8, Events: 1000}, "")
	broker := containers(t, testbed.Broker)[0]
	if _, err := x.usage(t.Context()); err != nil { // it has started, and has nothing to do
		t.Fatal(err)
	}
	before := stats(t, e, broker)
	batch, err := x.Send(t.Context(), x.load())
	if err != nil {
		t.Fatal(err)
	}
	after := stats(t, e, broker)
	got := batch.Usage.Broker
	shown := time.Duration(after.CPUStats.CPUUsage.TotalUsage - before.CPUStats.CPUUsage.TotalUsage)
	if d := (got.CPU - shown).Abs(); d > shown*3/100 {
		t.Errorf("got %v of processor time, docker stats shows %v", got.CPU, shown)
	}
	if peak := peakOutside(t, broker); peak == 0 || max(got.PeakRSS-peak, peak-got.PeakRSS) > peak*3/100 {
		t.Errorf("got a peak of %d bytes, /proc has %d", got.PeakRSS, peak)
	}
	memory := int64(after.MemoryStats.Usage - max(after.MemoryStats.Stats.TotalInactiveFile, // cgroups of version 1
		after.MemoryStats.Stats.InactiveFile))
	if max(got.Container-memory, memory-got.Container) > memory*3/100 {
		t.Errorf("got %d bytes of the container's memory, docker stats shows %d", got.Container, memory)
	}
	t.Logf("%v of processor time, docker stats shows %v; a peak of %d bytes, /proc has %d; a container of %d bytes, "+
		"docker stats shows %d", got.CPU, shown, got.PeakRSS, peakOutside(t, broker), got.Container, memory)
}

// stats returns what docker stats shows of a container.
func stats(t *testing.T, e *engine.Engine, id string) *docker.Stats {
	t.Helper()
	answers := make(chan *docker.Stats, 1)
	err := e.Pool.Client.Stats(docker.StatsOptions{ID: id, Stats: answers, Context: t.Context()})
	if err != nil {
		t.Fatal(err)
	}
	return <-answers
}

// peakOutside returns the most memory that the largest of a container's processes
// has had resident, as this machine's /proc tells.
func peakOutside(t *testing.T, id string) (most int64) {
	t.Helper()
	out, err := exec.Command("docker", "top", id, "-eo", "pid").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range strings.Fields(string(out))[1:] { // without the heading
		status, err := os.ReadFile("/proc/" + pid + "/status")
		if err != nil {
			require.Missing(t, "local engine", err.Error())
		}
		_, after, _ := strings.Cut(string(status), "VmHWM:")
		kB, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, kB<<10)
	}
	return most
}
