package experiment

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/testbed"
)

// slowBroker is a broker that sleeps, or has a short listen queue.
//
//go:embed testdata/broker.py
var slowBroker string

// injection is a run whose bottleneck is known, since it was put there.
type injection struct {
	name string
	// broker is a subject's name, or "slow" with the arguments of slowBroker.
	broker string
	cell   matrix.Cell
	pinned bool
	// disturb puts the bottleneck there when the roles are ready.
	disturb func(t testing.TB)
	want    []results.Bottleneck // kinds that are right
	weather bool                 // it holds whatever else the machine does
}

// injections are the runs that docs/bottleneck.md has.
func injections() []injection {
	const comet = "comet-3.1.0"
	cell := func(latency time.Duration, conns, events int) matrix.Cell {
		return matrix.Cell{Latency: latency, Conns: conns, Events: events}
	}
	limit := func(role, cpus string) func(testing.TB) {
		return func(t testing.TB) {
			for _, id := range containers(t, role) {
				runDocker(t, "update", "--cpus", cpus, id)
			}
		}
	}
	kinds := func(k ...results.Bottleneck) []results.Bottleneck { return k }
	return []injection{
		{name: "nothing at 8 connections", broker: comet, cell: cell(0, 8, 3000), pinned: true,
			want: kinds(results.BrokerBound)},
		{name: "50 ms of latency", broker: comet, cell: cell(50*time.Millisecond, 8, 80),
			want: kinds(results.BoundByLatency), weather: true},
		{name: "one connection", broker: "embedded", cell: cell(0, 1, 3000), want: kinds(results.BoundByConnection)},
		{name: "the broker limited to half a processor", broker: comet, cell: cell(0, 8, 1000),
			disturb: limit(testbed.Broker, "0.5"), want: kinds(results.BrokerLimited)},
		{name: "the broker limited to a twentieth", broker: comet, cell: cell(0, 8, 100),
			disturb: limit(testbed.Broker, "0.05"), want: kinds(results.BrokerLimited), weather: true},
		{name: "the author limited to a twentieth", broker: comet, cell: cell(0, 8, 1000),
			disturb: limit(testbed.Author, "0.05"), want: kinds(results.AuthorBound)},
		{name: "the subscriber limited to a tenth", broker: comet, cell: cell(0, 8, 1000),
			disturb: limit(testbed.Subscriber, "0.1"), want: kinds(results.SubscriberBound)},
		{name: "the subscriber stopped for 4 s", broker: comet, cell: cell(0, 8, 1000),
			disturb: stopSubscriber, want: kinds(results.SubscriberBound)},
		{name: "a hog on all processors", broker: comet, cell: cell(0, 8, 1000), disturb: hogs(4, -1),
			want: kinds(results.MachineSaturated)},
		{name: "a hog on the broker's processor", broker: comet, cell: cell(0, 8, 1000), pinned: true,
			disturb: hogs(1, 0), want: kinds(results.MachineSaturated)},
		{name: "a sleep of 1 ms per event", broker: "slow 0.001 50", cell: cell(0, 8, 1000),
			want: kinds(results.BrokerWaits)},
		{name: "a sleep of 300 ms per event", broker: "slow 0.3 50", cell: cell(0, 8, 8),
			want: kinds(results.BrokerWaits, results.CantTell), weather: true},
		{name: "a listen queue of 1", broker: "slow 0.0001 1", cell: cell(0, 16, 400),
			want: kinds(results.QueueOverflowed)},
		{name: "512 connections on the machine itself", broker: "embedded", cell: cell(0, 512, 10_000),
			want: kinds(results.MachineSaturated, results.AuthorBound)},
	}
}

// TestBottleneck judges the runs that hold in any weather.
func TestBottleneck(t *testing.T) {
	require.Docker(t)
	require.Root(t)
	for _, in := range injections() {
		if !in.weather {
			continue
		}
		t.Run(in.name, func(t *testing.T) {
			run := in.run(t)
			if kind := run.Bottleneck.Kind(); !slices.Contains(in.want, kind) {
				usage, err := json.Marshal(run.Usage)
				t.Errorf("got %q, want %q; %s, %v", run.Bottleneck, in.want, usage, err)
			}
		})
	}
}

// BenchmarkBottleneck judges all of them, on a machine that does nothing else. It
// fails where a verdict is wrong; one that can't tell is counted.
func BenchmarkBottleneck(b *testing.B) {
	require.Docker(b)
	require.Root(b)
	for _, in := range injections() {
		b.Run(strings.ReplaceAll(in.name, " ", "-"), func(b *testing.B) {
			unknown := 0
			for b.Loop() {
				run := in.run(b)
				usage, err := json.Marshal(run.Usage)
				b.Logf("%s\nauthor %v, %s, %v", run.Bottleneck, run.Author.Elapsed, usage, err)
				switch kind := run.Bottleneck.Kind(); {
				case kind == results.CantTell:
					unknown++
				case !slices.Contains(in.want, kind):
					b.Errorf("want %q", in.want)
				}
			}
			b.ReportMetric(float64(unknown)/float64(b.N), "unknown/op")
		})
	}
}

// run makes the run.
func (in injection) run(t testing.TB) *results.Run {
	ctx := t.Context()
	bed, err := testbed.New(ctx, testbed.Config{Executable: testbed.Build, Pin: in.pinned})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := bed.Close(); err != nil {
			t.Error(err)
		}
	}()
	c := Config{Testbed: bed}
	name, slow := in.broker, strings.HasPrefix(in.broker, "slow ")
	if slow {
		name = "image:" + slowImage(t, c, strings.TrimPrefix(in.broker, "slow "))
	}
	s := prepared(t, c, name)
	cell := in.cell
	cell.Broker = s.Label
	x, err := New(ctx, c, s, cell, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := x.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	if err := x.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	if in.disturb != nil {
		in.disturb(t)
	}
	if err := x.take(ctx, x.steps()[beforeSending:]...); err != nil {
		t.Fatal(err)
	}
	x.judge()
	return &x.run
}

// slowImage makes an image of slowBroker with its arguments.
func slowImage(t testing.TB, c Config, args string) (name string) {
	t.Helper()
	command, err := json.Marshal(append([]string{"python3", "-c", slowBroker}, strings.Fields(args)...))
	if err != nil {
		t.Fatal(err)
	}
	name = "cometbench-test/slow:" + strings.ReplaceAll(args, " ", "-")
	build := exec.CommandContext(t.Context(), "docker", "build", "-q", "-t", name, "-")
	build.Stdin = strings.NewReader(fmt.Sprintf("FROM %s\nENTRYPOINT %s\n",
		prepared(t, c, "comet-3.1.0").image.ID, command))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("docker", "rmi", "-f", name).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	return name
}

func runDocker(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("docker", args...).CombinedOutput(); err != nil {
		t.Fatalf("docker %s: %v\n%s", args, err, out)
	}
}

// stopSubscriber stops the subscriber's processes for longer than the author
// sends.
func stopSubscriber(t testing.TB) {
	for _, id := range containers(t, testbed.Subscriber) {
		out, err := exec.Command("docker", "top", id, "-eo", "pid").Output()
		if err != nil {
			t.Fatal(err)
		}
		pids := strings.Fields(string(out))[1:] // without the heading
		signal := func(name string) error {
			return exec.Command("kill", append([]string{"-s", name}, pids...)...).Run()
		}
		if err := signal("STOP"); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(4*time.Second, func() { _ = signal("CONT") })
	}
}

// hogs returns what lets so many programs compute until the test's end, on any
// processor or on the one of a number.
func hogs(n, processor int) func(t testing.TB) {
	return func(t testing.TB) {
		for range n {
			command := []string{"sh", "-c", "while :; do :; done"}
			if processor >= 0 {
				command = append([]string{"taskset", "-c", fmt.Sprint(processor)}, command...)
			}
			hog := exec.CommandContext(t.Context(), command[0], command[1:]...)
			if err := hog.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = hog.Process.Kill()
				_ = hog.Wait()
			})
		}
	}
}
