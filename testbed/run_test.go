package testbed

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cometbench/eventdb"
	"cometbench/images"
	"cometbench/internal/engine"
	"cometbench/internal/owner"
	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
	"cometbench/subject"
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
		checkNothingLeft(t, bed.owner)
	})
	return bed
}

// checkNothingLeft fails the test if an owner still has something on this
// machine or its engine.
func checkNothingLeft(t *testing.T, o owner.Owner) {
	t.Helper()
	for _, what := range left(t, o) {
		t.Errorf("left behind: %s", what)
	}
}

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
		out, err := exec.Command("docker", append(list, "--filter", "label="+owner.LabelOwner+"="+o.String())...).Output()
		if err != nil {
			return found // no engine
		}
		for _, id := range strings.Fields(string(out)) {
			found = append(found, list[0]+" "+id)
		}
	}
	return found
}

func prepared(t *testing.T, bed *Testbed, name string) *Subject {
	t.Helper()
	b, err := subject.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := bed.Prepare(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sites are what the contract is held against: brokers without containers and
// in them.
var sites = []struct {
	name, broker string
	containers   bool
}{
	{"local", "embedded", false},
	{"containers", "embedded", true},
	{"comet-1.1.0", "comet-1.1.0", true},
	{"comet-2.0.1", "comet-2.0.1", true},
	{"comet-3.1.0", "comet-3.1.0", true},
}

// eachSite runs a test on every site.
func eachSite(t *testing.T, test func(t *testing.T, bed *Testbed, s *Subject)) {
	bed := newTestbed(t)
	for _, tt := range sites {
		t.Run(tt.name, func(t *testing.T) {
			if tt.containers {
				require.Docker(t)
			}
			s := prepared(t, bed, tt.broker)
			if tt.containers && s.Broker.Kind == subject.Embedded {
				s.contained = true
			}
			test(t, bed, s)
		})
	}
}

func TestRun(t *testing.T) {
	eachSite(t, func(t *testing.T, bed *Testbed, s *Subject) {
		for _, conns := range []int{1, 64} {
			cell := matrix.Cell{Broker: s.Broker.Label, Conns: conns, Events: 200}
			dir := t.TempDir()
			run, err := bed.Run(t.Context(), s, cell, dir, stopped{})
			if err != nil {
				t.Fatal(err)
			}
			if a := run.Author; a.Sent != 200 || a.Acked != 200 || a.Elapsed <= 0 || len(a.Failures) != 0 {
				t.Errorf("author %+v, want 200 events acked", a)
			}
			for name, db := range map[string]results.Database{results.BrokerFile: run.Broker, results.SubscriberFile: run.Subscriber} {
				if db.Entries != 200 || db.Elapsed() <= 0 {
					t.Errorf("%s: %+v, want 200 entries and a time", name, db)
				}
				kept, err := eventdb.Open(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				summary, err := kept.Summary(t.Context())
				if err != nil || summary.Entries != 200 {
					t.Errorf("%s: %+v, %v, want 200 entries", name, summary, err)
				}
				kept.Close()
			}
			// Broker and subscriber get what the author sends, so neither can
			// have taken much longer: their clocks are the same.
			if d := run.Broker.Elapsed(); d > run.Author.Elapsed+50*time.Millisecond {
				t.Errorf("the broker received for %v, the author sent for %v", d, run.Author.Elapsed)
			}
			f, err := os.Open(filepath.Join(dir, results.SidecarFile))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			times, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			if lines, err := csv.NewReader(times).ReadAll(); err != nil || len(lines) != 1+200 {
				t.Errorf("got %d lines of times, %v, want a heading and 200", len(lines), err)
			}
		}
	})
}

func TestRunWithLatency(t *testing.T) {
	require.Root(t)
	eachSite(t, func(t *testing.T, bed *Testbed, s *Subject) {
		cell := matrix.Cell{Broker: s.Broker.Label, Latency: 50 * time.Millisecond, Conns: 8, Events: 80}
		run, err := bed.Run(t.Context(), s, cell, "", stopped{})
		if err != nil {
			t.Fatal(err)
		}
		if run.Netem != "kernel" && run.Netem != "userspace" {
			t.Errorf("netem %q", run.Netem)
		}
		// Less time than the delayed ways alone take would mean that a round
		// trip is hidden. How much more it is depends on what else the machine
		// does.
		if took := run.Author.Elapsed; took < cell.Expected() {
			t.Errorf("the author took %v, less than the %v that is possible (%+v)", took, cell.Expected(), run)
		}
		if ratio := run.TheoryRatio(); ratio < 0.3 {
			t.Errorf("%.3f of what theory says (%+v)", ratio, run)
		}
		if run.Author.Acked != 80 || run.Missing() != 0 {
			t.Errorf("%d acked, %d missing", run.Author.Acked, run.Missing())
		}
	})
}

// ofRuns leaves out what outlives a run: the testbed's folders and the author's
// image.
func ofRuns(found []string) []string {
	return slices.DeleteFunc(found, func(what string) bool {
		return strings.HasPrefix(what, owner.Memory()) || strings.HasPrefix(what, os.TempDir()) || strings.HasPrefix(what, "image ")
	})
}

// TestRunCancelled ends runs in every phase.
func TestRunCancelled(t *testing.T) {
	eachSite(t, func(t *testing.T, bed *Testbed, s *Subject) {
		for _, after := range []time.Duration{0, 100 * time.Millisecond, 600 * time.Millisecond, 1500 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			cell := matrix.Cell{Broker: s.Broker.Label, Conns: 8, Events: 1_000_000}
			begun := time.Now()
			run, err := bed.Run(ctx, s, cell, "", stopped{})
			cancel()
			if err == nil {
				t.Fatalf("cancelled after %v: no error, but %+v", after, run)
			}
			if took := time.Since(begun); took > after+30*time.Second {
				t.Errorf("cancelled after %v: it took %v to end", after, took)
			}
			// The engine needs a moment to clean up after a build of the author's
			// image, which a run begins with and which was cancelled, too.
			var found []string
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				if found = ofRuns(left(t, bed.owner)); len(found) == 0 {
					break
				}
			}
			if len(found) > 0 {
				t.Errorf("cancelled after %v: left behind: %q", after, found)
			}
		}
	})
}

// TestDelayFails: a run says once why its delay can't be. What is asked for is
// longer than a delay may be.
func TestDelayFails(t *testing.T) {
	require.Root(t)
	bed := newTestbed(t)
	for _, tt := range sites[:2] {
		t.Run(tt.name, func(t *testing.T) {
			if tt.containers {
				require.Docker(t)
			}
			s := prepared(t, bed, tt.broker)
			s.contained = tt.containers
			cell := matrix.Cell{Broker: s.Broker.Label, Latency: 2 * netem.MaxOneWay, Conns: 1, Events: 1}
			run, err := bed.Run(t.Context(), s, cell, "", stopped{})
			if err == nil {
				t.Fatalf("no error, but %+v", run)
			}
			if n := strings.Count(err.Error(), "want a time above zero"); n != 1 || !strings.Contains(err.Error(), "delay ended") {
				t.Errorf("it says %d times why: %v", n, err)
			}
		})
	}
}

// dying is a clock that kills a part of the run when the measured phase begins.
type dying struct{ kill func() }

func (d dying) StartTimer() { go d.kill() }
func (dying) StopTimer()    {}

func TestBrokerDies(t *testing.T) {
	require.Docker(t)
	bed := newTestbed(t)
	s := prepared(t, bed, "comet-3.1.0")
	for _, victim := range []part{brokerPart, subscriberPart, authorPart} {
		cell := matrix.Cell{Broker: s.Broker.Label, Conns: 8, Events: 100_000}
		kill := func() {
			time.Sleep(300 * time.Millisecond) // into the measured phase
			out, err := exec.Command("docker", "ps", "-q", "--filter", "label="+owner.LabelOwner+"="+bed.owner.String(), "--filter", "name=-"+string(victim)+"$").Output()
			if err == nil {
				err = exec.Command("docker", "kill", strings.TrimSpace(string(out))).Run()
			}
			if err != nil {
				t.Errorf("kill %s: %v", victim, err)
			}
		}
		begun := time.Now()
		run, err := bed.Run(t.Context(), s, cell, "", dying{kill})
		if err == nil || !strings.Contains(err.Error(), string(victim)) {
			t.Errorf("%s died: %+v, %v, want an error that names it", victim, run, err)
		}
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("%s died: noticed after %v", victim, took)
		}
	}
}

// TestKilled kills a benchmark, kill -9, while it runs: its janitor cleans up.
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
	next, err := engine.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, broker := range []string{"embedded", "comet-3.1.0"} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // time for images to be built
		defer cancel()
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilled$", "-test.v")
		cmd.Env = append(os.Environ(), victimVariable+"="+broker)
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
		for !strings.Contains(said.String(), "measuring") {
			b := make([]byte, 256)
			n, err := stdout.Read(b)
			said.Write(b[:n])
			if err != nil {
				t.Fatalf("the victim ended: %s", said.String())
			}
		}
		if len(left(t, o)) == 0 {
			t.Errorf("%s: nothing to be left", broker)
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
			t.Errorf("%s: sweep at once: %v", broker, err)
		}
		deadline := time.Now().Add(time.Minute)
		for len(left(t, o)) > 0 && time.Now().Before(deadline) {
			time.Sleep(50 * time.Millisecond)
		}
		checkNothingLeft(t, o)
	}
}

const victimVariable = "COMETBENCH_TEST_VICTIM"

func runVictim(t *testing.T) {
	bed, err := New(t.Context(), Config{Executable: Build})
	if err != nil {
		t.Fatal(err)
	}
	s := prepared(t, bed, os.Getenv(victimVariable))
	cell := matrix.Cell{Broker: s.Broker.Label, Conns: 8, Events: 1_000_000}
	_, err = bed.Run(t.Context(), s, cell, "", dying{func() { fmt.Println("measuring") }})
	t.Fatal(err)
}

// TestSweep: what a process that died without a janitor left is removed by the
// next testbed, and what a living one has stays.
func TestSweep(t *testing.T) {
	require.Docker(t)
	bed := newTestbed(t)
	if err := bed.prepareContainers(t.Context()); err != nil {
		t.Fatal(err)
	}
	dead, err := owner.Parse(bed.owner.String() + "1") // the process that had this one's id at another time
	if err != nil {
		t.Fatal(err)
	}
	run := func(o owner.Owner) string {
		t.Helper()
		out, err := exec.Command("docker", "run", "-d", "--network", "none",
			"--label", owner.LabelOwner+"="+o.String(), "--label", owner.LabelRun+"=test", bed.author, "pause", "-for", "5m").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	leave := func() {
		t.Helper()
		run(dead)
		run(dead)
		out, err := exec.Command("docker", "network", "create", "--label", owner.LabelOwner+"="+dead.String(), "cometbench-test").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		builder := images.Builder{Client: bed.engine.Pool.Client, Labels: map[string]string{owner.LabelOwner: dead.String()}}
		if _, err := builder.Author(t.Context(), bed.command); err != nil {
			t.Fatal(err)
		}
	}
	// Several may sweep at a time, a janitor and the next benchmark.
	leave()
	sweep := func() error { return bed.engine.Sweep(t.Context(), bed.owner) }
	if err := together(sweep, sweep, sweep); err != nil {
		t.Errorf("sweep side by side: %v", err)
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
