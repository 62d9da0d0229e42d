package experiment

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cometbench/matrix"
	"cometbench/netem"
	"cometbench/subject"
	"cometbench/testbed"
)

// Options say what a series is made of.
type Options struct {
	Brokers []subject.Subject
	// Defaults says that the brokers weren't asked for by name: those that
	// can't be had here are left out.
	Defaults bool
	Matrix   matrix.Matrix // without brokers
	Payload  Payload
	// Bench is the pattern of the benchmarks that will be run, "" for all: what
	// it leaves out isn't prepared.
	Bench   string
	Count   int            // runs of each cell
	Overlap int            // how many runs may be side by side
	Testbed testbed.Config // without Status: the series shows it itself
	Netem   netem.Kind     // the kind of delay to use
	// Results is the folder of the tree in which the runs are kept, "" to keep
	// none.
	Results string
	// Resume makes only the runs that the tree hasn't got yet.
	Resume bool
	// Shard is the part of the plan to be made.
	Shard Shard
	// Arguments are the flags that the plan depends on, as they were given.
	Arguments []string
	// Public consents to sending test events to a broker of somebody else
	// whose address isn't private.
	Public bool
}

// Flags are those of the benchmark.
type Flags struct {
	set *flag.FlagSet

	broker, latency, conns, matrix, netem, results, shard, caBundle, cometArgs string
	events                                                                     int
	public, resume                                                             bool

	// Those of the deployment.
	payload, size, subscribers string
	keepOpen                   bool

	overlap string

	// Those of an open loop.
	rate rateFlags

	engines engineFlags
}

// DefineFlags defines the flags of the benchmark in a set, which is parsed before
// [Flags.Options] is called.
func DefineFlags(set *flag.FlagSet) *Flags {
	f := &Flags{set: set}
	standard := matrix.Default()
	set.StringVar(&f.broker, "broker", "", "brokers to measure, a comma-separated `list` of embedded, comet-3.1.0, "+
		"comet@FOLDER,\ncomet@git+URL#REVISION, image:NAME, tcp://HOST:PORT (default: embedded and, where an engine "+
		"answers, "+subject.Newest+")")
	set.StringVar(&f.latency, "latency", join(standard.Latencies), "one-way delays of what the author sends, a "+
		"comma-separated `list`")
	set.StringVar(&f.conns, "conns", join(standard.Conns), "simultaneous connections of the author, a "+
		"comma-separated `list`")
	set.IntVar(&f.events, "events", standard.Events, "how `many` events the author sends in a run")
	set.StringVar(&f.matrix, "matrix", "", "`paper`: the paper's latencies and connections, where -latency and "+
		"-conns aren't given")
	set.StringVar(&f.netem, "netem", string(netem.Auto), "what delays packets: `kind` auto, kernel or userspace")
	set.StringVar(&f.results, "results", "", "keep every run's files in the tree of results in this `folder`")
	set.BoolVar(&f.resume, "resume", false, "make only the runs that the folder of -results hasn't got yet")
	set.StringVar(&f.shard, "shard", "", "make only one part of the runs, such as `3/20`: what the third of 20 "+
		"machines does")
	set.StringVar(&f.overlap, "overlap", "1", "how `many` runs that latency bounds may be side by side, or auto")
	set.BoolVar(&f.public, "public", false, "send test events even to a tcp:// broker whose address isn't private")
	set.StringVar(&f.payload, "payload", "", "send VOEvents like that of a `file`, or in turn those of a folder "+
		"(*.xml): only IVOID and date\nare replaced")
	set.StringVar(&f.subscribers, "subscribers", "1", "how many subscribers are attached to the broker, a "+
		"comma-separated `list`")
	set.BoolVar(&f.keepOpen, "keep-open", false, "send one event after another over each connection, to brokers that "+
		"leave it open")
	set.StringVar(&f.size, "size", "", "bring each event to so many `bytes`, such as 10kB, by a comment")
	set.StringVar(&f.cometArgs, "comet-args", "", "further `arguments` for every Comet under test, quoted as for a "+
		"shell: '--save-event --cmd=/bin/true'")
	f.defineRate()
	f.defineEngines()
	set.StringVar(&f.caBundle, "ca-bundle", "", "`file` of certificates that building an image must trust "+
		"(default: found in the environment)")
	return f
}

// Options returns what the flags ask for, those of package testing among them. Its
// errors name the flag, the value and what is allowed.
func (f *Flags) Options() (o Options, err error) {
	if f.set.NArg() > 0 {
		return o, fmt.Errorf("%q: an argument that is no flag: name the package before this benchmark's own flags, as "+
			"in go test -bench=. . -broker=embedded", f.set.Arg(0))
	}
	o = Options{Matrix: matrix.Default(), Results: f.results, Resume: f.resume, Public: f.public}
	o.Testbed.CABundle = f.caBundle
	o.Bench, o.Count = f.testing("test.bench"), 1
	if count := f.testing("test.count"); count != "" {
		if o.Count, err = strconv.Atoi(count); err != nil {
			return o, fmt.Errorf("-count: %w", err)
		}
	}
	if err := f.oneRunEach(); err != nil {
		return o, err
	}
	if err := f.resumable(); err != nil {
		return o, err
	}
	if o.Shard, err = parseShard(f.shard); err != nil {
		return o, fmt.Errorf("-shard: %w", err)
	}
	o.Arguments = f.arguments()
	if cpus := f.testing("test.cpu"); strings.Contains(cpus, ",") {
		return o, fmt.Errorf("-cpu: %q: want one number: runs of several would be in one cell", cpus)
	}
	switch f.matrix {
	case "":
	case "paper":
		o.Matrix = matrix.Paper()
	default:
		return o, fmt.Errorf("-matrix: %q: want paper, or no -matrix", f.matrix)
	}
	if o.Matrix.Events = f.events; f.events < 1 || f.events > matrix.MaxEvents {
		return o, fmt.Errorf("-events: %d: want 1 to %d events", f.events, matrix.MaxEvents)
	}
	if f.given("latency") || f.matrix == "" {
		if o.Matrix.Latencies, err = matrix.ParseLatencies(f.latency); err != nil {
			return o, fmt.Errorf("-latency: %w", err)
		}
	}
	if f.given("conns") || f.matrix == "" {
		if o.Matrix.Conns, err = matrix.ParseConnsList(f.conns); err != nil {
			return o, fmt.Errorf("-conns: %w", err)
		}
	}
	if o.Payload, o.Matrix.Payload, err = readPayload(f.payload, f.size); err != nil {
		return o, err
	}
	o.Testbed.Files = o.Payload.files()
	o.Matrix.Kept = f.keepOpen
	if o.Matrix.Subscribers, err = matrix.ParseSubscribers(f.subscribers); err != nil {
		return o, fmt.Errorf("-subscribers: %w", err)
	}
	if err := f.pace(&o); err != nil {
		return o, err
	}
	if o.Netem, err = netem.ParseKind(f.netem); err != nil {
		return o, fmt.Errorf("-netem: %w", err)
	}
	if o.Overlap, err = parseOverlap(f.overlap); err != nil {
		return o, fmt.Errorf("-overlap: %w", err)
	}
	if o.Overlap > 1 && len(o.Matrix.Paces) > 0 {
		return o, errors.New("-overlap: with -rate: latencies show what runs beside them: want -overlap=1")
	}
	if once := f.testing("test.benchtime"); o.Overlap > 1 && once != "1x" {
		return o, fmt.Errorf("-overlap: with -benchtime=%s nobody knows how many runs are wanted: want -count", once)
	}
	names := f.broker
	if o.Defaults = !f.given("broker"); o.Defaults {
		names = "embedded," + subject.Newest
	}
	if o.Defaults && o.Shard.Of > 0 {
		return o, errors.New("-shard: want -broker too: which brokers are the default differs from machine to machine")
	}
	if o.Brokers, err = subject.ParseList(names); err != nil {
		return o, fmt.Errorf("-broker: %w", err)
	}
	if o.Brokers, err = withArguments(o.Brokers, f.cometArgs); err != nil {
		return o, fmt.Errorf("-comet-args: %w", err)
	}
	for _, b := range o.Brokers {
		if err := measurable(b, o); err != nil {
			return o, err
		}
	}
	return o, f.engines.apply(&o)
}

// oneRunEach makes one op of a benchmark one run, so that -count=100 is the paper's
// 100 runs, where -benchtime doesn't say otherwise. With -benchtime=DURATION a
// cell is run until that time is over, start and removal included, and its figures
// are means.
func (f *Flags) oneRunEach() error {
	if f.set.Lookup("test.benchtime") == nil || f.given("test.benchtime") {
		return nil
	}
	return f.set.Set("test.benchtime", "1x")
}

// measurable refuses what can't be had of brokers that aren't ours to look into.
func measurable(b subject.Subject, o Options) error {
	delayed := func(d time.Duration) bool { return d > 0 }
	switch {
	case b.Kind == subject.Remote && slices.ContainsFunc(o.Matrix.Latencies, delayed):
		return fmt.Errorf("-latency: none can be added on the way to %s: want -latency=0", b.Name)
	case b.Kind == subject.Remote && slices.Max(o.Matrix.Subscribers) > 1:
		return fmt.Errorf("-subscribers: none is attached to %s, which somebody else runs: want -subscribers=1", b.Name)
	case b.Has("save-event") && o.Matrix.Events > mostSaved:
		return fmt.Errorf("-events: %s would save %d events in memory: want at most %d", b.Name,
			o.Matrix.Events, mostSaved)
	case (b.Kind == subject.Remote || b.Kind == subject.Foreign) && o.Results != "":
		return fmt.Errorf("-results: of %s not all the event databases that a tree of results holds can be had", b.Name)
	}
	return nil
}

// testing returns the value of a flag of package testing, "" where the set hasn't
// got it.
func (f *Flags) testing(name string) string {
	if found := f.set.Lookup(name); found != nil {
		return found.Value.String()
	}
	return ""
}

// given reports whether a flag was given, whatever its value.
func (f *Flags) given(name string) bool {
	given := false
	f.set.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}

// join writes a default as its flag reads it.
func join[T int | time.Duration](list []T) string {
	var words []string
	for _, v := range list {
		words = append(words, fmt.Sprint(v))
	}
	return strings.Join(words, ",")
}
