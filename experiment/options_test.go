package experiment

import (
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/netem"
)

// options reads flags as the benchmark does. The flags of package testing that it
// looks at are among them.
func options(t *testing.T, args ...string) (Options, *flag.FlagSet, error) {
	t.Helper()
	set := flag.NewFlagSet("benchmark", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.String("test.bench", "", "")
	set.String("test.cpu", "", "")
	set.Uint("test.count", 1, "")
	set.String("test.benchtime", "1s", "")
	f := DefineFlags(set)
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	o, err := f.Options()
	return o, set, err
}

func TestFlagDefaults(t *testing.T) {
	o, set, err := options(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Brokers) != 2 || !o.Defaults || o.Netem != netem.Auto || o.Count != 1 ||
		o.Matrix.Events != matrix.DefaultEvents {
		t.Errorf("got %+v", o)
	}
	if o.Overlap != 1 {
		t.Errorf("%d runs are side by side, want one by one", o.Overlap)
	}
	if cells, want := len(o.Matrix.Latencies)*len(o.Matrix.Conns), 6; cells != want {
		t.Errorf("got %d cells per broker, want %d", cells, want)
	}
	if got := set.Lookup("test.benchtime").Value.String(); got != "1x" {
		t.Errorf("one op is %q, want one run", got)
	}
}

func TestFlags(t *testing.T) {
	o, set, err := options(t, "-broker=embedded", "-latency=0,0.5ms", "-conns=3", "-events=7", "-netem=userspace",
		"-results=R", "-public", "-ca-bundle=C", "-test.count=5", "-test.bench=Throughput", "-test.benchtime=10s")
	if err != nil {
		t.Fatal(err)
	}
	m := o.Matrix
	if len(o.Brokers) != 1 || o.Defaults || m.Events != 7 || !slices.Equal(m.Conns, []int{3}) ||
		!slices.Equal(m.Latencies, []time.Duration{0, 500 * time.Microsecond}) ||
		o.Netem != netem.Userspace || o.Results != "R" || !o.Public || o.Testbed.CABundle != "C" ||
		o.Count != 5 || o.Bench != "Throughput" {
		t.Errorf("got %+v", o)
	}
	if got := set.Lookup("test.benchtime").Value.String(); got != "10s" {
		t.Errorf("-benchtime=10s has become %s", got)
	}
}

// TestFlagMatrix: what is given beside -matrix=paper takes the place of the
// paper's.
func TestFlagMatrix(t *testing.T) {
	o, _, err := options(t, "-matrix=paper", "-conns=1,2")
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Matrix.Latencies) != 6 || len(o.Matrix.Conns) != 2 {
		t.Errorf("got %+v, want the paper's 6 latencies and 2 connection counts", o.Matrix)
	}
}

func TestFlagsRefused(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-matrix=all", `-matrix: "all": want paper`},
		{"-events=0", "-events: 0: want 1 to"},
		{"-latency=1h", "-latency: "},
		{"-conns=0", "-conns: "},
		{"-netem=magic", "-netem: "},
		{"-overlap=0", `-overlap: "0": want 1 (one by one) to 24 runs, or auto`},
		{"-overlap=25", `-overlap: "25": want`},
		{"-overlap=2 -rate=50", "-overlap: with -rate"},
		{"-overlap=2 -test.benchtime=10s", "-overlap: with -benchtime=10s nobody knows"},
		{"-broker=comet", `-broker: broker "comet"`},
		{"-broker=tcp://127.0.0.1:1", "-latency: none can be added on the way to tcp://127.0.0.1:1"},
		{"-broker=image:x -results=R", "-results: of image:x"},
		{"-resume", "-resume: want -results=DIR too"},
		{"-resume -results=R -test.benchtime=3x", "-resume: with -benchtime=3x"},
		{"-shard=3", `-shard: "3": want which share, and of how many`},
		{"-shard=3/2 -broker=embedded", `-shard: "3/2": want`},
		{"-shard=0/2 -broker=embedded", `-shard: "0/2": want`},
		{"-shard=1/2", "-shard: want -broker too"},
		{"-test.cpu=1,2", `-cpu: "1,2": want one number`},
		{"-author-engine=lab -broker-engine=lab", `-author-engine: "lab" is -broker-engine too: want two`},
		{"-author-engine=lab -overlap=auto", "-overlap: with -author-engine or -broker-engine"},
		{"-broker-engine=lab -latency=0 -broker=tcp://127.0.0.1:1", "-broker-engine: tcp://127.0.0.1:1 is started by"},
		{"-events=1 more", `"more": an argument that is no flag`},
	} {
		if o, _, err := options(t, strings.Fields(tt.args)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %+v, %v, want %q", tt.args, o, err, tt.want)
		}
	}
}

func TestSubscribersFlag(t *testing.T) {
	o, _, err := options(t, "-broker=embedded", "-latency=0", "-conns=8", "-subscribers=1,16")
	if err != nil {
		t.Fatal(err)
	}
	m := o.Matrix
	m.Brokers = []string{"b"}
	cells := m.Cells()
	if len(cells) != 2 || cells[0].String() != "broker=b/latency=0ms/conns=8" || cells[1].Further != 15 {
		t.Errorf("got %v", cells)
	}
	for _, tt := range []struct{ args, want string }{
		{"-broker=embedded -subscribers=0", `-subscribers: "0": want numbers`},
		{"-broker=tcp://127.0.0.1:1 -latency=0 -subscribers=2", "-subscribers: none is attached to tcp://127.0.0.1:1"},
	} {
		if _, _, err := options(t, strings.Fields(tt.args)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.args, err, tt.want)
		}
	}
}
