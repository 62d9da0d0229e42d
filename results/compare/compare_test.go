package compare

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/paired"
	"cometbench/subject"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	fast  = matrix.Cell{Conns: 8}
	bound = matrix.Cell{Latency: 10 * time.Millisecond, Conns: 8}
)

// world makes up rounds of two brokers.
type world struct {
	cells  []matrix.Cell
	rounds int     // of each cell
	noise  float64 // standard deviation of a batch
	work   float64 // that the new broker does more
	waits  float64 // share of its time
	bias   float64 // of the second place, in rounds of equals
	// change is applied to each round.
	change func(i int, r *Round)
}

func (w world) input() Input {
	rng := rand.New(rand.NewPCG(1, 7))
	in := Input{
		Old:   Subject{"comet-3.0.0", subject.Software{Comet: "3.0.0"}},
		New:   Subject{"comet-3.1.0", subject.Software{Comet: "3.1.0"}},
		Cells: w.cells, Took: 42 * time.Second, Config: []results.ConfigLine{{Key: "kernel", Value: "6.1"}},
	}
	for i := range w.rounds {
		for _, cell := range w.cells {
			in.Rounds = append(in.Rounds, w.round(rng, cell, false))
			if i%4 == 1 {
				in.Rounds = append(in.Rounds, w.round(rng, cell, true))
			}
		}
	}
	if w.change != nil {
		for i := range in.Rounds {
			w.change(i, &in.Rounds[i])
		}
	}
	return in
}

func (w world) round(rng *rand.Rand, cell matrix.Cell, equals bool) Round {
	batched := cell
	batched.Events = 250
	batch := func(work, waits float64) paired.Batch {
		worked := 0.2 * math.Exp(w.noise*rng.NormFloat64()) * (1 + work)
		took := worked + 0.2*waits
		if cell.Latency > 0 {
			took = batched.Expected().Seconds()*(1+waits)*math.Exp(w.noise/20*rng.NormFloat64()) + 0.01
		}
		seconds := func(s float64) time.Duration { return time.Duration(s * 1e9) }
		return paired.Batch{paired.Time: seconds(took), paired.Delivery: seconds(took * 0.99),
			paired.Work: seconds(worked)}
	}
	r := Round{
		Cell: cell, Equals: equals, Events: 250, Counts: [2]Count{{5000, 5000, 5000}, {5000, 5000, 5000}},
		Subscriber: [2]time.Duration{400 * time.Microsecond, 404 * time.Microsecond}, Foreign: 0.25, Steal: 0.01,
	}
	for range 20 {
		p := paired.Pair{Old: batch(0, 0), New: batch(w.work, w.waits)}
		if equals {
			p.New = batch(w.bias, 0)
		}
		r.Pairs = append(r.Pairs, p)
	}
	return r
}

func void(r *Round, why string, at ...Side) {
	*r = Round{Cell: r.Cell, Void: why, At: at}
}

// TestJudge holds the verdict against what happens to brokers.
func TestJudge(t *testing.T) {
	both := []matrix.Cell{fast, bound}
	for _, tt := range []struct {
		name    string
		world   world
		want    Outcome
		reason  string // a part of one of the reasons
		decided bool
	}{
		{"same", world{cells: both, rounds: 8, noise: 0.05}, NoRegression, "", true},
		{"more work", world{cells: both, rounds: 5, noise: 0.05, work: 0.1}, Regression,
			"latency=0ms/conns=8: slower, with more work per event: time +", true},
		{"waits", world{cells: both[:1], rounds: 5, noise: 0.05, waits: 0.3}, Regression,
			"slower, without more work per event: it waits", true},
		{"works and waits a little", world{cells: both[:1], rounds: 4, noise: 0.15, work: 0.04, waits: 0.2}, Regression,
			"slower; whether it works more or waits can't be told", true},
		{"waits where latency decides", world{cells: both[1:], rounds: 5, noise: 0.05, waits: 0.05}, Regression,
			"latency=10ms/conns=8: slower: time +", true},
		{"more work where latency decides", world{cells: both[1:], rounds: 8, noise: 0.05, work: 0.2}, NoRegression,
			"", true},
		{"faster", world{cells: both, rounds: 8, noise: 0.05, work: -0.2}, NoRegression, "", true},
		{"too few rounds", world{cells: both[:1], rounds: 3, noise: 0.05, work: 0.2}, Unknown, "(too few rounds)",
			false},
		{"noisy", world{cells: both[:1], rounds: 5, noise: 0.8}, Unknown, "could not tell: time", false},
		{"equals differ", world{cells: both[:1], rounds: 8, noise: 0.05, work: 0.1, bias: 0.2}, Unknown,
			"the old broker differs from itself in", false},
		{"one event lost", world{cells: both, rounds: 8, noise: 0.05, change: func(i int, r *Round) {
			if i == 1 {
				r.Counts[New].Delivered--
			}
		}}, Regression, "latency=10ms/conns=8: new lost 1 of 40000 events in 8 rounds; old 0 of 60000", true},
		{"every hundredth event not acked", world{cells: both, rounds: 1, noise: 0.05, change: func(i int, r *Round) {
			r.Counts[New].Acked, r.Counts[New].Delivered = 4950, 4950
		}}, Regression, "new didn't ack 50 of 5000", true},
		{"one event lost in the first round", world{cells: both[:1], rounds: 1, noise: 0.05,
			change: func(i int, r *Round) {
				r.Counts[New].Delivered--
			}}, Regression, "new lost 1 of 5000", false},
		{"both lose", world{cells: both, rounds: 8, noise: 0.05, change: func(i int, r *Round) {
			r.Counts[Old].Delivered -= i % 4
			r.Counts[New].Delivered -= (i + 1) % 4
		}}, NoRegression, "", true},
		{"new doesn't start", world{cells: both, rounds: 1, change: func(i int, r *Round) {
			void(r, "no module named comet", New)
		}},
			Regression, "the new broker can't be run (latency=10ms/conns=8): no module named comet", true},
		{"new fails once", world{cells: both, rounds: 8, noise: 0.05, change: func(i int, r *Round) {
			if i == 2 {
				void(r, "no probe event was acked", New)
			}
		}}, NoRegression, "", true},
		{"both don't start", world{cells: both, rounds: 1, change: func(i int, r *Round) {
			void(r, "no memory", Old, New)
		}},
			Unknown, "the old broker can't be run", true},
		{"many void rounds", world{cells: both[:1], rounds: 12, noise: 0.02, change: func(i int, r *Round) {
			if i%2 == 1 {
				void(r, "the delay was late")
			}
		}}, Unknown, "latency=0ms/conns=8: 7 of 15 rounds are void", true},
		{"nothing but void rounds", world{cells: both[:1], rounds: 3, change: func(i int, r *Round) {
			void(r, "the engine doesn't answer")
		}},
			Unknown, "one round after another is void: the engine doesn't answer", true},
		{"nothing", world{}, Unknown, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := Judge(tt.world.input(), Options{})
			reasons := strings.Join(v.Reasons, "\n")
			if v.Outcome != tt.want || v.Decided != tt.decided || !strings.Contains(reasons, tt.reason) {
				t.Errorf("got %s, decided %v: %q; want %s, %v: %q",
					v.Outcome, v.Decided, v.Reasons, tt.want, tt.decided, tt.reason)
			}
			if (v.Outcome == NoRegression) != (len(v.Reasons) == 0) && len(tt.world.cells) > 0 {
				t.Errorf("%s with the reasons %q", v.Outcome, v.Reasons)
			}
		})
	}
}

// TestInterrupted: a regression that was found stands, no regression doesn't.
func TestInterrupted(t *testing.T) {
	for work, want := range map[float64]Outcome{0: Unknown, 0.2: Regression} {
		in := world{cells: []matrix.Cell{fast}, rounds: 6, noise: 0.02, work: work}.input()
		in.Interrupted = "interrupted"
		if got := Judge(in, Options{}); got.Outcome != want {
			t.Errorf("%v more work: got %s, want %s", work, got.Outcome, want)
		}
	}
}

func TestExitCode(t *testing.T) {
	for outcome, want := range map[Outcome]int{NoRegression: 0, Identical: 0, Regression: 1, Unknown: 2} {
		if got := outcome.ExitCode(); got != want {
			t.Errorf("%s: got %d, want %d", outcome, got, want)
		}
	}
}

// TestWriters holds what is written of one comparison against golden files, and
// reads it as programs do.
func TestWriters(t *testing.T) {
	in := world{cells: []matrix.Cell{fast, bound}, rounds: 5, noise: 0.05, work: 0.1}.input()
	in.New.Name = "comet@<script>_*|\n#1"
	v := Judge(in, Options{})
	for name, write := range map[string]func(io.Writer) error{
		"verdict.txt": v.WriteText, "verdict.md": v.WriteMarkdown, "verdict.json": v.WriteJSON,
		"verdict.html": v.WritePage, "rounds.csv": in.WriteRounds,
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile("testdata/"+name, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s differs (-update writes it anew):\n%s", name, b.Bytes())
		}
		if strings.Contains(b.String(), "<script>") && strings.HasPrefix(name, "verdict.md") ||
			strings.Contains(b.String(), "NaN") {
			t.Errorf("%s has markup or figures that are none", name)
		}
	}
	var b bytes.Buffer
	if err := v.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Schema  int
		Outcome Outcome
		Rows    []struct {
			Witness  string
			Lo, Hi   *float64
			Slowdown float64
			Rounds   []float64
		}
	}
	if err := json.Unmarshal(b.Bytes(), &read); err != nil || read.Schema != Schema || read.Outcome != Regression ||
		len(read.Rows) != 6 {
		t.Errorf("%+v, %v", read, err)
	}
	for _, r := range read.Rows {
		if r.Lo == nil || r.Hi == nil || *r.Lo > r.Slowdown || *r.Hi < r.Slowdown || len(r.Rounds) != 5 {
			t.Errorf("got the row %+v", r)
		}
	}
}

// TestManyCells: the worst cell stands first, and a summary folds what isn't
// among the worst.
func TestManyCells(t *testing.T) {
	w := world{rounds: 5, noise: 0.02, change: func(i int, r *Round) {
		for _, p := range r.Pairs {
			if r.Cell.Conns == 7 && !r.Equals {
				p.New[paired.Work] *= 2
			}
		}
	}}
	for conns := 1; conns <= 9; conns++ {
		w.cells = append(w.cells, matrix.Cell{Conns: conns})
	}
	v := Judge(w.input(), Options{})
	if first := v.worstFirst()[0]; first != "latency=0ms/conns=7" {
		t.Errorf("%s stands first", first)
	}
	if got := v.worstRow(); !strings.HasPrefix(got, "The worst row: work of latency=0ms/conns=7, +") {
		t.Error(got)
	}
	var b bytes.Buffer
	if err := v.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	shown, _, folded := strings.Cut(b.String(), "<details><summary>3 more cells, none of them worse</summary>")
	if !folded || strings.Count(shown, "\n| latency") != shownCells {
		t.Errorf("want %d cells, and the rest folded:\n%s", shownCells, &b)
	}
	b.Reset()
	if err := v.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if utf8.RuneCountInString(line) > columns+1 {
			t.Errorf("wider than %d columns: %s", columns, line)
		}
	}
}

// TestIdentical: all writers say that nothing was to be measured, and none shows
// a table.
func TestIdentical(t *testing.T) {
	in := Input{Old: Subject{Name: "comet-3.1.0"}, New: Subject{Name: "comet@."}, Identical: true,
		Cells: []matrix.Cell{fast}}
	v := Judge(in, Options{})
	if v.Outcome != Identical || !v.Decided {
		t.Errorf("got %s, decided %v", v.Outcome, v.Decided)
	}
	for name, write := range map[string]func(io.Writer) error{
		"text": v.WriteText, "Markdown": v.WriteMarkdown, "JSON": v.WriteJSON, "page": v.WritePage,
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil || !strings.Contains(b.String(), "identical") ||
			strings.Contains(b.String(), "cell") {
			t.Errorf("%s: got %q, %v", name, &b, err)
		}
	}
}

// TestPage: the figures are well-formed, and a broker that can't be run has no
// report.
func TestPage(t *testing.T) {
	in := world{cells: []matrix.Cell{fast, bound}, rounds: 3, noise: 0.05}.input()
	var b bytes.Buffer
	if err := Judge(in, Options{}).WritePage(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	figures := 0
	for {
		begin, end := strings.Index(text, "<svg"), strings.Index(text, "</svg>")
		if begin < 0 {
			break
		}
		figures++
		for d := xml.NewDecoder(strings.NewReader(text[begin : end+6])); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		text = text[end+6:]
	}
	if figures != 2 {
		t.Errorf("got %d figures, want one for each cell", figures)
	}
	b.Reset()
	for i := range in.Rounds {
		void(&in.Rounds[i], "no module named comet", New)
	}
	if err := Judge(in, Options{}).WritePage(&b); err != nil || b.Len() > 0 {
		t.Errorf("got %d bytes, %v; want none of a broker that can't be run", b.Len(), err)
	}
}

// TestNewFirst: the brokers take turns in being first, in each cell and kind of
// round by itself.
func TestNewFirst(t *testing.T) {
	in := world{cells: []matrix.Cell{fast, bound}, rounds: 2}.input() // the second with one of equals
	void(&in.Rounds[len(in.Rounds)-1], "the engine doesn't answer")   // of bound
	for _, tt := range []struct {
		next Round
		want bool
	}{
		{Round{Cell: fast}, false}, {Round{Cell: fast, Equals: true}, true},
		{Round{Cell: bound}, false}, {Round{Cell: bound, Equals: true}, false},
	} {
		if got := in.NewFirst(tt.next); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.next, got, tt.want)
		}
	}
}
