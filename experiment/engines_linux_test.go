package experiment

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"cometbench/internal/owner"
	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/testbed"
)

// victimVariable holds, in the environment of a process that is to be killed, the two
// engines and the folder of our command.
const victimVariable = "COMETBENCH_TEST_ENGINES"

// TestEngines measures with author and broker on two engines of a swarm. These are on
// one machine, so that the truth about their clocks is known.
func TestEngines(t *testing.T) {
	if engines := strings.Fields(os.Getenv(victimVariable)); len(engines) > 0 {
		runVictim(t, engines)
		return
	}
	require.Docker(t)
	nodes := newSwarm(t)
	builds := t.TempDir()
	bed := testbedOn(t, builds, nodes[0].host(), nodes[1].host())
	c := Config{Testbed: bed, Netem: netem.Auto}
	if err := c.describeHosts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(c.Containers.Engine, nodes[1].dir) || !strings.Contains(c.AuthorMachine.Engine, nodes[1].dir) {
		t.Errorf("got engines %q and %q", c.Containers.Engine, c.AuthorMachine.Engine)
	}
	comet := prepared(t, newConfig(t), "comet-3.1.0").image.Tag
	command(t, "sh", "-c", `docker save "$1" | docker -H "$2" load`, "sh", comet, nodes[0].host())
	for _, broker := range []string{"embedded", "comet-3.1.0"} {
		s := prepared(t, c, broker)
		for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
			t.Run(broker+"/"+latency.String(), func(t *testing.T) {
				measureApart(t, c, s, latency, nodes)
			})
		}
	}
	me, err := owner.Self()
	if err != nil {
		t.Fatal(err)
	}
	if err := bed.Close(); err != nil {
		t.Error(err)
	}
	for i, n := range nodes {
		if left := n.left(t, owner.LabelOwner+"="+me.String()); len(left) > 0 {
			t.Errorf("left behind on engine %d: %q", i, left)
		}
	}
	t.Run("killed", func(t *testing.T) { killVictim(t, builds, nodes) })
}

// testbedOn makes a testbed on two engines.
func testbedOn(t *testing.T, builds, broker, author string) *testbed.Testbed {
	t.Helper()
	bed, err := testbed.New(t.Context(), testbed.Config{
		Executable: func(ctx context.Context, _, goos, goarch string) (string, error) {
			return testbed.Build(ctx, builds, goos, goarch)
		},
		BrokerEngine: broker, AuthorEngine: author,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bed.Close() })
	return bed
}

func measureApart(t *testing.T, c Config, s *Subject, latency time.Duration, nodes [2]*node) {
	const events, eventBytes = 100, 500
	before := nodes[0].received(t)
	run, err := do(t.Context(), c, s, matrix.Cell{Latency: latency, Conns: 4, Events: events}, "")
	if err != nil {
		if latency > 0 {
			requireIdle(t) // else packets leave late, and the run is void
		}
		t.Fatal(err)
	}
	t.Logf("%v; round trip %v, %v without the delay; %q", run.Clocks, run.RTT, run.BaseRTT, run.Warnings)
	if run.Author.Acked != events || run.Missing() != 0 || run.AuthorRate() <= 0 || run.SubscriberRate() <= 0 {
		t.Errorf("author %+v, %d events missing", run.Author, run.Missing())
	}
	if got := nodes[0].received(t) - before; got < events*eventBytes {
		t.Errorf("%d bytes came over the wire, want those of %d events", got, events)
	}
	if run.BaseRTT <= 0 || latency == 0 && run.RTT != run.BaseRTT || run.RTT < latency {
		t.Errorf("round trips %v, and %v without the delay", run.RTT, run.BaseRTT)
	}
	if run.Clocks == nil || run.Clocks.Offset.Abs() > run.Clocks.Error {
		t.Fatalf("got %v, but they are one clock", run.Clocks)
	}
	j := run.Journeys
	if j == nil || j.Broker == nil || j.Delivery == nil || j.Delivery.Max < 2*latency ||
		j.Delivery.Resolution < 2*run.Clocks.Error {
		t.Errorf("journeys %+v, want all latencies", j)
	}
	u := run.Usage
	if u.Broker.CPU <= 0 || u.Machine.Cores != runtime.NumCPU() || u.Machine.Elapsed < run.Broker.Elapsed() ||
		u.AuthorMachine == nil || u.AuthorMachine.Cores != runtime.NumCPU() || u.AuthorMachine.Elapsed <= 0 {
		t.Errorf("usage %+v, of the author's machine %+v", u, u.AuthorMachine)
	}
}

// runVictim has roles on both engines until it is killed.
func runVictim(t *testing.T, args []string) {
	bed := testbedOn(t, args[2], args[0], args[1])
	dir, err := bed.Folder()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bed.Containers(t.Context(), dir, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{testbed.Broker, testbed.Author} {
		if _, err := b.Start(t.Context(), testbed.Role{Name: role, Command: []string{"pause"}}); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Println("started")
	<-t.Context().Done()
}

// killVictim: of a benchmark that is killed, its janitor leaves nothing on either
// engine.
func killVictim(t *testing.T, builds string, nodes [2]*node) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEngines$", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), victimVariable+"="+nodes[0].host()+" "+nodes[1].host()+" "+builds)
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
	said := ""
	for lines := bufio.NewScanner(stdout); !strings.HasPrefix(said, "started") && lines.Scan(); {
		said = lines.Text()
	}
	label := owner.LabelOwner + "=" + o.String()
	for i, n := range nodes {
		if len(n.left(t, label)) == 0 {
			t.Errorf("nothing to be left on engine %d: %s", i, said)
		}
	}
	var exit *exec.ExitError
	if err := errors.Join(cmd.Process.Kill(), cmd.Wait()); !errors.As(err, &exit) {
		t.Fatal(err)
	}
	await(t, "engines without what the victim left", func() bool {
		return len(nodes[0].left(t, label))+len(nodes[1].left(t, label)) == 0
	})
}
