package experiment

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cometbench/eventdb"
	"cometbench/internal/owner"
	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/results"
	"cometbench/results/journey"
	"cometbench/subject"
	"cometbench/testbed"
)

// newConfig makes a testbed that is closed, and has left no container, at the
// test's end.
func newConfig(t *testing.T) Config {
	t.Helper()
	bed, err := testbed.New(t.Context(), testbed.Config{Executable: testbed.Build})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bed.Close(); err != nil {
			t.Error(err)
		}
		if left := containers(t, ""); len(left) > 0 {
			t.Errorf("containers left behind: %s", left)
		}
	})
	return Config{Testbed: bed, Netem: netem.Auto}
}

// containers returns the ids of this process's containers of a role, "" for all.
func containers(t testing.TB, role string) []string {
	t.Helper()
	me, err := owner.Self()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"ps", "-aq", "--filter", "label=" + owner.LabelOwner + "=" + me.String()}
	if role != "" {
		args = append(args, "--filter", "name=-"+role+"$")
	}
	out, err := exec.Command("docker", args...).Output()
	if err != nil {
		return nil // no engine
	}
	return strings.Fields(string(out))
}

func prepared(t testing.TB, c Config, name string) *Subject {
	t.Helper()
	b, err := subject.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Prepare(t.Context(), c.Testbed, b, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// started returns an experiment that has begun, and is removed when the test ends.
func started(t *testing.T, c Config, s *Subject, cell matrix.Cell, keep string) *Experiment {
	t.Helper()
	x, err := New(t.Context(), c, s, cell, keep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := x.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return x
}

// do does the experiment once.
func do(ctx context.Context, c Config, s *Subject, cell matrix.Cell, keep string) (*results.Run, error) {
	cell.Broker = s.Label
	x, err := New(ctx, c, s, cell, keep)
	if err != nil {
		return nil, err
	}
	return x.Run(ctx)
}

// places are what experiments are held against: brokers without containers and
// in them.
var places = []struct {
	name, broker string
	containers   bool
}{
	{"local", "embedded", false},
	{"containers", "embedded", true},
	{"comet-1.1.0", "comet-1.1.0", true},
	{"comet-2.0.1", "comet-2.0.1", true},
	{"comet-3.1.0", "comet-3.1.0", true},
}

// eachPlace runs a test in every place.
func eachPlace(t *testing.T, test func(t *testing.T, c Config, s *Subject)) {
	c := newConfig(t)
	for _, tt := range places {
		t.Run(tt.name, func(t *testing.T) {
			if tt.containers {
				require.Docker(t)
			}
			s := prepared(t, c, tt.broker)
			s.contained = tt.containers
			test(t, c, s)
		})
	}
}

func TestRun(t *testing.T) {
	eachPlace(t, func(t *testing.T, c Config, s *Subject) {
		for _, conns := range []int{1, 64} {
			dir := t.TempDir()
			run, err := do(t.Context(), c, s, matrix.Cell{Conns: conns, Events: 200}, dir)
			if err != nil {
				t.Fatal(err)
			}
			if a := run.Author; a.Sent != 200 || a.Acked != 200 || a.Elapsed <= 0 || len(a.Failures) != 0 {
				t.Errorf("author %+v, want 200 events acked", a)
			}
			for name, db := range map[string]results.Database{
				results.BrokerFile: run.Broker, results.SubscriberFile: run.Subscriber,
			} {
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
			for _, role := range results.Roles() {
				if u := run.Usage.Of(role); u.CPU <= 0 || u.PeakRSS < 1<<20 || u.Throttled != 0 {
					t.Errorf("the %s used %+v, want a time, and a megabyte at least", role, u)
				}
			}
			if m := run.Usage.Machine; m.Cores < 1 || m.Elapsed < run.Author.Elapsed || m.Foreign > m.Busy {
				t.Errorf("the machine did %+v while the author sent for %v", m, run.Author.Elapsed)
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
			for _, stage := range journey.Stages() {
				l := run.Journeys.Of(stage)
				if l == nil || l.Events != 200 || l.P50 <= 0 || l.Max < l.P50 {
					t.Errorf("%s latency: got %+v, want that of 200 events", stage, l)
				}
				log, err := os.Open(filepath.Join(dir, results.LatenciesFile))
				if err != nil {
					t.Fatal(err)
				}
				h, err := journey.ReadLog(log, stage)
				log.Close()
				if err != nil || h.TotalCount() != 200 {
					t.Errorf("%s latency: the histogram has %+v, %v, want 200 events", stage, h, err)
				}
			}
			if len(run.Journeys.Losses) > 0 {
				t.Errorf("went astray: %v, want none", run.Journeys.Losses)
			}
		}
	})
}

func TestRunWithLatency(t *testing.T) {
	require.Root(t)
	eachPlace(t, func(t *testing.T, c Config, s *Subject) {
		cell := matrix.Cell{Broker: s.Label, Latency: 50 * time.Millisecond, Conns: 8, Events: 80}
		run, err := do(t.Context(), c, s, cell, "")
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

// TestBatches: a started experiment sends as often as wanted, and two are up side
// by side.
func TestBatches(t *testing.T) {
	c := newConfig(t)
	s := prepared(t, c, "embedded")
	ctx := t.Context()
	var pair [2]*Experiment
	for i := range pair {
		pair[i] = started(t, c, s, matrix.Cell{Broker: s.Label, Conns: 4, Events: 100}, "")
	}
	for batch := range 3 {
		for i, x := range pair {
			b, err := x.Send(ctx, Load{Conns: 1 + i, Events: 50 + batch})
			if err != nil {
				t.Fatal(err)
			}
			if b.Author.Acked != 50+batch || b.Author.Elapsed <= 0 {
				t.Errorf("batch %d of experiment %d: %+v, want %d events acked", batch, i, b.Author, 50+batch)
			}
		}
	}
	for i, x := range pair {
		if err := x.End(ctx); err != nil {
			t.Fatal(err)
		}
		if want := 50 + 51 + 52; x.run.Broker.Entries != want || x.run.Subscriber.Entries != want {
			t.Errorf("experiment %d: %d and %d entries, want %d", i, x.run.Broker.Entries, x.run.Subscriber.Entries,
				want)
		}
	}
}

// TestHarnessCPU: what our own roles use is counted wherever they are, and
// nothing of a Comet's.
func TestHarnessCPU(t *testing.T) {
	eachPlace(t, func(t *testing.T, c Config, s *Subject) {
		x := started(t, c, s, matrix.Cell{Broker: s.Label, Conns: 8, Events: 2000}, "")
		if _, err := x.Send(t.Context(), x.load()); err != nil {
			t.Fatal(err)
		}
		used, err := x.usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if embedded := s.Kind == subject.Embedded; (used.ours > 0) != embedded {
			t.Errorf("our broker and subscriber used %v, and the broker is ours: %t", used.ours, embedded)
		}
		if used.broker.CPU <= 0 {
			t.Errorf("the broker used %v", used.broker.CPU)
		}
	})
}

// TestRunCancelled ends runs in every phase. The engine cleans up by itself, and
// later, after a build that was cancelled: none is under way here.
func TestRunCancelled(t *testing.T) {
	eachPlace(t, func(t *testing.T, c Config, s *Subject) {
		if s.inContainers(matrix.Cell{}) {
			if err := c.Testbed.PrepareContainers(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		const ms = time.Millisecond
		for _, after := range []time.Duration{0, 100 * ms, 600 * ms, 1500 * ms} {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			begun := time.Now()
			run, err := do(ctx, c, s, matrix.Cell{Conns: 8, Events: 1_000_000}, "")
			cancel()
			if err == nil {
				t.Fatalf("cancelled after %v: no error, but %+v", after, run)
			}
			if took := time.Since(begun); took > after+30*time.Second {
				t.Errorf("cancelled after %v: it took %v to end", after, took)
			}
			if left := containers(t, ""); len(left) > 0 {
				t.Errorf("cancelled after %v: containers left behind: %q", after, left)
			}
		}
	})
}

// TestDelayFails: a run says once why its delay can't be. What is asked for is
// longer than a delay may be.
func TestDelayFails(t *testing.T) {
	require.Root(t)
	c := newConfig(t)
	for _, tt := range places[:2] {
		t.Run(tt.name, func(t *testing.T) {
			if tt.containers {
				require.Docker(t)
			}
			s := prepared(t, c, tt.broker)
			s.contained = tt.containers
			run, err := do(t.Context(), c, s, matrix.Cell{Latency: 2 * netem.MaxOneWay, Conns: 1, Events: 1}, "")
			if err == nil {
				t.Fatalf("no error, but %+v", run)
			}
			n := strings.Count(err.Error(), "want a time above zero")
			if n != 1 || !strings.Contains(err.Error(), "delay ended") {
				t.Errorf("it says %d times why: %v", n, err)
			}
		})
	}
}

// TestRoleDies: a role that dies while the author sends ends the batch, and the
// error names it; also after the delay has ended in order.
func TestRoleDies(t *testing.T) {
	require.Docker(t)
	c := newConfig(t)
	s := prepared(t, c, "comet-3.1.0")
	for _, victim := range []string{testbed.Broker, testbed.Subscriber, testbed.Author} {
		x, err := New(t.Context(), c, s, matrix.Cell{Broker: s.Label, Conns: 8, Events: 100_000}, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := x.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		killed := make(chan error, 1)
		go func() {
			for n, _ := x.Progress(); n == 0 && t.Context().Err() == nil; n, _ = x.Progress() {
				time.Sleep(10 * time.Millisecond)
			}
			killed <- exec.Command("docker", append([]string{"kill"}, containers(t, victim)...)...).Run()
		}()
		begun := time.Now()
		_, err = x.Send(t.Context(), x.load())
		if err == nil || !strings.Contains(err.Error(), victim) {
			t.Errorf("%s died: %v, want an error that names it", victim, err)
		}
		if took := time.Since(begun); took > time.Minute {
			t.Errorf("%s died: noticed after %v", victim, took)
		}
		if err := <-killed; err != nil {
			t.Errorf("kill %s: %v", victim, err)
		}
		if err := x.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
