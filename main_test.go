package cometbench

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"cometbench/internal/agent"
	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/subject"
)

// TestMain is the benchmark, or one of its parts: those on this machine are
// this executable, started again, since to build another would take a new
// machine a quarter of a minute before its first result.
func TestMain(m *testing.M) {
	if parts := agent.Commands(); len(os.Args) > 1 && parts.Has(os.Args[1]) {
		os.Exit(parts.Main())
	}
	defineFlags()
	flag.Parse()
	if _, err := parseOptions(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if !given("test.benchtime") {
		// One op is one run, so that -count=100 is the paper's 100 runs.
		if err := flag.Set("test.benchtime", "1x"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}

// defineFlags defines the flags of the benchmark; [parseOptions] reads them back.
func defineFlags() {
	standard := matrix.Default()
	flag.String("broker", "", "brokers to measure, a comma-separated `list` of embedded, comet-3.1.0, comet@FOLDER,\ncomet@git+URL#REVISION, image:NAME, tcp://HOST:PORT (default: embedded and, where an engine answers, "+subject.Newest+")")
	flag.String("latency", join(standard.Latencies), "one-way delays of what the author sends, a comma-separated `list`")
	flag.String("conns", join(standard.Conns), "simultaneous connections of the author, a comma-separated `list`")
	flag.Int("events", standard.Events, "how `many` events the author sends in a run")
	flag.String("matrix", "", "`paper`: the paper's latencies and connections, where -latency and -conns aren't given")
	flag.String("netem", string(netem.Auto), "what delays packets: `kind` auto, kernel or userspace")
	flag.String("results", "", "keep every run's files in the tree of results in this `folder`")
	flag.Bool("public", false, "send test events even to a tcp:// broker whose address isn't private")
	flag.String("ca-bundle", "", "`file` of certificates that building an image must trust (default: found in the environment)")
}

// options is what the flags ask for.
type options struct {
	brokers  []subject.Subject
	defaults bool // the brokers are the default, not asked for by name
	matrix   matrix.Matrix
	netem    netem.Kind
	results  string
	public   bool
	caBundle string
}

func parseOptions() (options, error) {
	o := options{
		matrix: matrix.Default(), results: value("results"), public: value("public") == "true", caBundle: value("ca-bundle"),
		defaults: !given("broker"),
	}
	if flag.NArg() > 0 {
		return o, fmt.Errorf("%q: an argument that is no flag: name the package before this benchmark's own flags, as in go test -bench=. . -broker=embedded", flag.Arg(0))
	}
	switch m := value("matrix"); m {
	case "":
	case "paper":
		o.matrix = matrix.Paper()
	default:
		return o, refused("matrix", fmt.Errorf("%q: want paper, or no -matrix", m))
	}
	var err error
	if o.matrix.Events, err = events(flag.Lookup("events").Value.(flag.Getter).Get().(int)); err != nil {
		return o, refused("events", err)
	}
	if given("latency") || value("matrix") == "" {
		if o.matrix.Latencies, err = matrix.ParseLatencies(value("latency")); err != nil {
			return o, refused("latency", err)
		}
	}
	if given("conns") || value("matrix") == "" {
		if o.matrix.Conns, err = matrix.ParseConnsList(value("conns")); err != nil {
			return o, refused("conns", err)
		}
	}
	if o.netem, err = netem.ParseKind(value("netem")); err != nil {
		return o, refused("netem", err)
	}
	names := value("broker")
	if o.defaults {
		names = "embedded," + subject.Newest
	}
	if o.brokers, err = subject.ParseList(names); err != nil {
		return o, refused("broker", err)
	}
	for _, broker := range o.brokers {
		if err := measurable(broker, o); err != nil {
			return o, err
		}
		o.matrix.Brokers = append(o.matrix.Brokers, broker.Label)
	}
	return o, nil
}

// measurable refuses what can't be had of brokers that aren't ours to look into.
func measurable(b subject.Subject, o options) error {
	delayed := func(d time.Duration) bool { return d > 0 }
	switch {
	case b.Kind == subject.Remote && slices.ContainsFunc(o.matrix.Latencies, delayed):
		return refused("latency", fmt.Errorf("none can be added on the way to %s: want -latency=0", b.Name))
	case (b.Kind == subject.Remote || b.Kind == subject.Foreign) && o.results != "":
		return refused("results", fmt.Errorf("of %s not all the event databases that a tree of results holds can be had", b.Name))
	}
	return nil
}

func events(n int) (int, error) {
	if n < 1 || n > matrix.MaxEvents {
		return 0, fmt.Errorf("%d: want 1 to %d events", n, matrix.MaxEvents)
	}
	return n, nil
}

func refused(name string, err error) error { return fmt.Errorf("-%s: %w", name, err) }

func value(name string) string { return flag.Lookup(name).Value.String() }

func given(name string) bool {
	found := false
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// countFlag is how often each cell is run.
func countFlag() uint { return flag.Lookup("test.count").Value.(flag.Getter).Get().(uint) }

// join writes a default as its flag reads it.
func join[T int | time.Duration](list []T) string {
	s := ""
	for i, v := range list {
		if i > 0 {
			s += ","
		}
		s += fmt.Sprint(v)
	}
	return s
}
