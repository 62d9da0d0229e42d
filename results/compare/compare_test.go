package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cometbench/internal/golden"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/stat"
	"cometbench/subject"
)

// plan is the default of the command.
func plan(count int) Plan {
	p := Plan{Count: count, Anchor: matrix.Cell{Conns: 64, Events: 10000}, Soak: matrix.Cell{Conns: 64, Events: 10000}}
	for _, latency := range []time.Duration{0, 10 * time.Millisecond} {
		for _, conns := range []int{8, 64} {
			p.Cells = append(p.Cells, matrix.Cell{Latency: latency, Conns: conns, Events: 2000})
		}
	}
	return p
}

// world makes up runs: brokers of a rate, noise, and what a test does to them.
type world struct {
	rng   *rand.Rand
	noise float64 // standard deviation of the rates
	// slow is how much more time an event takes the new broker.
	slow float64
	// change is applied to each attempt.
	change func(i int, t *Attempt)
}

func (w world) input(p Plan) Input {
	in := Input{Old: "comet-3.0.0", New: "comet-3.1.0", Anchor: "embedded", Plan: p}
	began := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for i, step := range p.Steps() {
		cell := step.Cell
		service := 1 / 900.0
		cell.Broker = in.Old
		switch step.Side {
		case Anchor:
			service, cell.Broker = 1/12000.0, in.Anchor
		case New:
			service *= 1 + w.slow
			cell.Broker = in.New
		}
		perEvent, noise := service, w.noise
		if cell.Latency > 0 {
			// The broker's limit, or the latency's.
			if bound := 2 * cell.Latency.Seconds() / float64(cell.Conns); bound > service {
				perEvent, noise = bound+service/float64(cell.Conns), w.noise/10
			}
		}
		perEvent *= math.Exp(noise * w.rng.NormFloat64())
		elapsed := time.Duration(perEvent * float64(cell.Events) * float64(time.Second))
		db := func(factor float64) results.Database {
			span := time.Duration(float64(elapsed) * factor)
			return results.Database{Entries: cell.Events, Format: "gdbm", First: began, Last: began.Add(span)}
		}
		run := &results.Run{
			Cell: cell, Started: began, Netem: "none",
			Software: subject.Software{Comet: strings.TrimPrefix(cell.Broker, "comet-"), Python: "3.11.2",
				Twisted: "24.3.0"},
			Machine:    results.Machine{Kernel: "6.1", CPU: "a CPU", Cores: 2, Procs: 2, OS: "linux", Arch: "amd64"},
			Author:     results.Author{Elapsed: elapsed, Sent: cell.Events, Acked: cell.Events},
			Broker:     db(0.999),
			Subscriber: db(0.998 * math.Exp(noise/4*w.rng.NormFloat64())),
		}
		if cell.Latency > 0 {
			run.Netem, run.BaseRTT, run.RTT = "userspace", 80*time.Microsecond, cell.Latency+80*time.Microsecond
		}
		attempt := Attempt{Step: step, Run: run}
		if w.change != nil {
			w.change(i, &attempt)
		}
		in.Attempts = append(in.Attempts, attempt)
	}
	return in
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// TestVerdict holds the gate against what happens to brokers.
func TestVerdict(t *testing.T) {
	void := func(why string) func(*Attempt) {
		return func(t *Attempt) { t.Run, t.Void = nil, why }
	}
	for _, test := range []struct {
		name   string
		count  int
		world  world
		want   Outcome
		reason string // a part of one of the reasons
	}{
		{"same", 10, world{noise: 0.01}, NoRegression, ""},
		{"slower", 10, world{noise: 0.01, slow: 0.2}, Regression, "slower (900"},
		{"slower than the effect by little", 10, world{noise: 0.005, slow: 0.08}, Regression, "slower"},
		{"slower by less than the effect", 10, world{noise: 0.005, slow: 0.03}, NoRegression, ""},
		{"faster", 10, world{noise: 0.01, slow: -0.2}, NoRegression, ""},
		{"too few runs", 3, world{noise: 0.01, slow: 0.2}, Unknown,
			"too few runs: no outcome of 3 a side could be significant over 8 rows, 6 are needed"},
		{"too noisy", 6, world{noise: 0.5}, Unknown, "too noisy"},
		{"noisy", 10, world{noise: 0.15}, Unknown, "runs a side would find one of 25 %)"},
		{"one event lost", 10, world{noise: 0.01, change: func(i int, t *Attempt) {
			if i == 30 && t.Side == New {
				t.Run.Subscriber.Entries--
			} else if i == 31 && t.Side == New {
				t.Run.Subscriber.Entries--
			}
		}}, Regression, "new lost 1 of 20000 events"},
		{"every hundredth event not acked", 10, world{noise: 0.01, change: func(_ int, t *Attempt) {
			if t.Side == New {
				t.Run.Author.Acked -= t.Run.Author.Acked / 100
			}
		}}, Regression, "new didn't ack"},
		{"both lose", 10, world{noise: 0.01, change: func(i int, t *Attempt) {
			if t.Side != Anchor {
				t.Run.Subscriber.Entries -= seeded(uint64(i)).IntN(4)
			}
		}}, NoRegression, ""},
		{"dies in the long run", 10, world{noise: 0.01, change: func(_ int, t *Attempt) {
			if t.Side == New && t.Round == 0 {
				void("the broker exited")(t)
			}
		}}, Unknown, "1 run is void, the first: new, long run"},
		{"new doesn't start", 10, world{noise: 0.01, change: func(_ int, t *Attempt) {
			if t.Side == New {
				void("no module named comet")(t)
			}
		}}, Regression, "the new broker can't be run (new, long run, latency=0ms/conns=64): no module named comet"},
		{"old doesn't start", 10, world{noise: 0.01, change: func(_ int, t *Attempt) {
			if t.Side == Old {
				void("no module named comet")(t)
			}
		}}, Unknown, "the old broker can't be run"},
		{"neither starts", 10, world{noise: 0.01, change: func(_ int, t *Attempt) {
			if t.Side != Anchor {
				void("no module named comet")(t)
			}
		}}, Unknown, "the new broker can't be run"},
		{"one void run", 10, world{noise: 0.01, change: func(i int, t *Attempt) {
			if i == 40 {
				void("the round trip is wrong")(t)
			}
		}}, Unknown, "the round trip is wrong"},
		{"drift", 10, world{noise: 0.01, change: func(i int, t *Attempt) {
			t.Run.Author.Elapsed += t.Run.Author.Elapsed * time.Duration(i) / 400
		}}, Unknown, "the machine drifted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.world.rng = seeded(3)
			in := test.world.input(plan(test.count))
			in.Attempts = repeatVoid(in.Attempts, test.name == "new doesn't start" ||
				test.name == "old doesn't start" || test.name == "neither starts")
			v := Compare(in, Options{})
			if v.Outcome != test.want {
				t.Errorf("the outcome is %q, want %q: %q", v.Outcome, test.want, v.Reasons)
			}
			all := strings.Join(v.Reasons, "\n")
			if !strings.Contains(all, test.reason) || (test.want == NoRegression) != (len(v.Reasons) == 0) {
				t.Errorf("the reasons are %q, want %q", v.Reasons, test.reason)
			}
			var text, markdown bytes.Buffer
			if err := v.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			if err := v.WriteMarkdown(&markdown); err != nil {
				t.Fatal(err)
			}
			for _, out := range []string{text.String(), markdown.String()} {
				if len(v.Broken) > 0 && strings.Contains(out, "events/s") {
					t.Errorf("a broker can't be run, and there is a table:\n%s", out)
				}
			}
		})
	}
}

// repeatVoid repeats void attempts, as the caller does, if repetition fails too.
func repeatVoid(attempts []Attempt, again bool) []Attempt {
	var list []Attempt
	for _, t := range attempts {
		list = append(list, t)
		if t.Void != "" && again {
			list = append(list, t)
		}
	}
	return list
}

func TestExitCode(t *testing.T) {
	for outcome, want := range map[Outcome]int{NoRegression: 0, Regression: 1, Unknown: 2} {
		if got := outcome.ExitCode(); got != want {
			t.Errorf("%s: exit code %d, want %d", outcome, got, want)
		}
	}
}

// TestFalseAlarms compares equals, many times over, at noise beyond a usual
// machine's: the effect size and the correction keep alarms rare.
func TestFalseAlarms(t *testing.T) {
	const comparisons = 300
	for _, noise := range []float64{0.01, 0.05, 0.1} {
		alarms := 0
		for i := range comparisons {
			in := world{rng: seeded(uint64(i)), noise: noise}.input(plan(10))
			if v := assess(in, Options{}.withDefaults()); len(slower(v)) > 0 {
				alarms++
			}
		}
		t.Logf("noise %v: %d of %d", noise, alarms, comparisons)
		// Half of alpha, since only one direction is an alarm; twice that is
		// beyond chance.
		if alarms > comparisons*5/100 {
			t.Errorf("noise %v: %d false alarms in %d comparisons", noise, alarms, comparisons)
		}
	}
}

func slower(v *Verdict) (rows []Row) {
	for _, r := range v.Rows {
		if r.Finding == Slower {
			rows = append(rows, r)
		}
	}
	return rows
}

// TestDetectable: what the verdict says it would find, it does find, four
// times out of five, and half of it hardly ever.
func TestDetectable(t *testing.T) {
	const comparisons = 60
	in := world{rng: seeded(1), noise: 0.06}.input(plan(10))
	v := Compare(in, Options{})
	if v.Rows[0].Unit != "sec/op" || !v.Rows[1].Decides {
		t.Fatalf("unexpected rows: %+v", v.Rows[:2])
	}
	// The rows of 0 ms differ in the noise that they happened to have.
	said, n := 0.0, 0.0
	for _, r := range v.Rows {
		if r.Decides && r.point.Latency == 0 {
			said += float64(r.Detectable)
			n++
		}
	}
	said /= n
	share := func(slow float64) float64 {
		found := 0
		for i := range comparisons {
			in := world{rng: seeded(uint64(100 + i)), noise: 0.06, slow: slow}.input(plan(10))
			for _, r := range slower(assess(in, Options{}.withDefaults())) {
				if r.point.Latency == 0 && r.point.Conns == 8 && r.Unit == "author-events/s" {
					found++
				}
			}
		}
		return float64(found) / comparisons
	}
	whole, half := share(said), share(said/2)
	t.Logf("a slowdown of %s is found in %.0f %%, half of it in %.0f %%", stat.FormatPercent(said), 100*whole, 100*half)
	if whole < 0.55 || half > 0.6 || half >= whole {
		t.Errorf("a slowdown of %s, which is said to be found, is found in %.0f %%, half of it in %.0f %%",
			stat.FormatPercent(said), 100*whole, 100*half)
	}
}

// TestCriticalU holds the limit against the test's own P.
func TestCriticalU(t *testing.T) {
	for _, n := range []int{3, 6, 10} {
		for _, alpha := range []float64{0.05, 0.00625} {
			limit := int(criticalU(n, n, alpha))
			if limit >= 0 && pOfU(n, n, limit) > alpha || pOfU(n, n, limit+1) <= alpha {
				t.Errorf("of %d runs a side the greatest significant U at %v isn't %d", n, alpha, limit)
			}
			if got, want := limit >= 0, stat.LeastP(n, n) <= alpha; got != want {
				t.Errorf("%d runs a side, %v: can be significant: %v, want %v", n, alpha, got, want)
			}
		}
	}
}

// Only deciding rows are corrected. By hand: 0.01·3, 0.03·2, 0.04·1, which may
// not be below the one before.
func TestCorrect(t *testing.T) {
	rows := []Row{{Decides: true, P: 0.01}, {Decides: true, P: 0.04}, {P: 0.001}, {Decides: true, P: 0.03}}
	if n := correct(rows); n != 3 {
		t.Errorf("%d rows decide", n)
	}
	for i, want := range []float64{0.03, 0.06, 0, 0.06} {
		if math.Abs(rows[i].Adjusted-want) > 1e-12 {
			t.Errorf("row %d: corrected to %v, want %v", i, rows[i].Adjusted, want)
		}
	}
}

// TestSteps: sides alternate, and each is first as often as the other.
func TestSteps(t *testing.T) {
	p := plan(10)
	first, counts := map[Side]int{}, map[Side]int{}
	steps := p.Steps()
	for i, s := range steps {
		if s.Round == 0 {
			continue
		}
		counts[s.Side]++
		if s.Side != Anchor && steps[i+1].Cell == s.Cell && steps[i+1].Round == s.Round && steps[i+1].Side != s.Side &&
			steps[i-1].Cell != s.Cell {
			first[s.Side]++
		}
	}
	if counts[Old] != 40 || counts[New] != 40 || counts[Anchor] != 11 {
		t.Errorf("runs a side: %v", counts)
	}
	if first[Old] != 20 || first[New] != 20 {
		t.Errorf("first was: %v", first)
	}
}

// TestGolden holds what is written, and what benchstat makes of the files
// against our table.
func TestGolden(t *testing.T) {
	in := world{rng: seeded(5), noise: 0.02, slow: 0.15, change: func(i int, t *Attempt) {
		if t.Side == Old && i == 20 {
			t.Run.Author.Acked -= 3
		}
	}}.input(plan(10))
	v := Compare(in, Options{})
	for name, write := range map[string]func(*bytes.Buffer) error{
		"verdict.txt":  func(b *bytes.Buffer) error { return v.WriteText(b) },
		"verdict.md":   func(b *bytes.Buffer) error { return v.WriteMarkdown(b) },
		"verdict.json": func(b *bytes.Buffer) error { return v.WriteJSON(b) },
		"old.txt":      func(b *bytes.Buffer) error { return in.WriteBenchmark(b, Old) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, name, b.Bytes())
	}
	var again Verdict
	var b bytes.Buffer
	_ = v.WriteJSON(&b)
	if err := json.Unmarshal(b.Bytes(), &again); err != nil || again.Outcome != v.Outcome ||
		len(again.Rows) != len(v.Rows) {
		t.Errorf("the verdict reads back as %+v: %v", again, err)
	}
}

// TestBenchstat: benchstat's own table of our files has our table's figures.
func TestBenchstat(t *testing.T) {
	in := world{rng: seeded(5), noise: 0.02, slow: 0.15}.input(plan(10))
	dir := t.TempDir()
	for name, side := range map[string]Side{"old.txt": Old, "new.txt": New} {
		var b bytes.Buffer
		if err := in.WriteBenchmark(&b, side); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "tool", "benchstat", "-format", "csv",
		filepath.Join(dir, "old.txt"), filepath.Join(dir, "new.txt")).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	type figures struct{ old, new, p float64 }
	table, unit := make(map[string]figures), ""
	for _, line := range strings.Split(string(out), "\n") {
		columns := strings.Split(line, ",")
		if len(columns) != 7 {
			continue
		}
		if columns[0] == "" {
			unit = columns[1]
			continue
		}
		var f figures
		if _, err := fmt.Sscanf(columns[1]+" "+columns[3]+" "+columns[6], "%g %g p=%g", &f.old, &f.new,
			&f.p); err == nil {
			table[columns[0]+" "+unit] = f
		}
	}
	near := func(a, b, within float64) bool { return math.Abs(a-b) <= within }
	for _, r := range Compare(in, Options{}).Rows {
		f, ok := table["Throughput/"+r.Cell+"-2 "+r.Unit]
		// Records have four digits.
		if old, new := float64(r.Old.Median), float64(r.New.Median); !ok || !near(f.old, old, old/1000) ||
			!near(f.new, new, new/1000) || !near(f.p, r.P, 0.001) {
			t.Errorf("of %s benchstat says %+v (%v), want %+v, %+v, p=%v:\n%s", r.name(), f, ok, r.Old, r.New, r.P, out)
		}
	}
}

func TestMarkdownIsPlain(t *testing.T) {
	in := world{rng: seeded(5), noise: 0.02}.input(plan(6))
	in.New = "comet@/tmp/<img src=x>|@someone `x` [l](http://h)"
	var b bytes.Buffer
	if err := Compare(in, Options{}).WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<img", "@someone", "[l](", " `x`"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("the summary contains %q", bad)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	in := world{rng: seeded(5), noise: 0.02}.input(plan(10))
	for b.Loop() {
		Compare(in, Options{})
	}
}

func ExampleStep_String() {
	fmt.Println(Step{Round: 2, Side: New, Cell: matrix.Cell{Latency: 10 * time.Millisecond, Conns: 8}})
	// Output: new, round 2, latency=10ms/conns=8
}
