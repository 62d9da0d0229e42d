package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cometbench/experiment"
	"cometbench/internal/command"
	"cometbench/matrix"
	"cometbench/results/bisect"
	"cometbench/results/compare"
	"cometbench/results/paired"

	"github.com/aclements/go-moremath/stats"
)

// mostRounds bounds a search. With the noise of real machines, 64 commits take
// ten rounds.
const mostRounds = 60

// bisection is a search for the commit that made Comet slower.
type bisection struct {
	std       command.Streams
	repo      *repository
	commits   []commit // the good one first, the bad one last
	arguments []string // of the comparisons
	out       string
	begun     time.Time

	cells    []matrix.Cell // those of the comparisons
	row      paired.Row    // what the bad commit is slower in
	cell     matrix.Cell   // and in which cell
	search   *bisect.Search
	measured [][]string // what each round gave, for the file
	skipped  map[int]string
}

// runBisect finds the commit that made Comet slower.
func runBisect(ctx context.Context, std command.Streams, args []string) error {
	b := &bisection{std: std, begun: time.Now(), skipped: make(map[int]string)}
	fs := flag.NewFlagSet("bisect", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench bisect [flags] GOOD BAD

Finds the commit between two commits of Comet's repository that made it slower.
It compares the two as "cometbench compare" does. Then it compares commits
between with GOOD, a round of paired batches at a time, where the answer is most
in doubt. No measurement is trusted alone: an odd one is outvoted by others. In
the end the commit that it found is compared with the one before it.

Of a merge, only the first parent is followed. Commits that can't be built or run
are passed over.

It exits with 0 if one commit was found and the last comparison confirms it, and
with 2 otherwise.`)
	repo := fs.String("repo", ".", "the `folder` of Comet's repository")
	latency := fs.String("latency", "0", "one-way delays of what the author sends, a comma-separated `list`")
	conns := fs.String("conns", "8", "simultaneous connections of the author, a comma-separated `list`")
	effect := percentage(compare.DefaultEffect)
	fs.Var(&effect, "effect", "the least slowdown that counts, in `percent`")
	budget := fs.Duration("budget", 5*time.Minute, "`time` that each of the two comparisons may take")
	bundle := fs.String("ca-bundle", "",
		"`file` of certificates that building an image must trust (default: found in the environment)")
	fs.StringVar(&b.out, "o", "cometbench-bisect", "keep the evidence in this `folder`")
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if fs.NArg() != 2 {
		return command.UsageErrorf("bisect: want GOOD and BAD behind the flags, got %q", fs.Args())
	}
	b.arguments = []string{
		"-latency", *latency, "-conns", *conns, "-effect", effect.String(), "-budget", budget.String(),
		"-ca-bundle", *bundle,
	}
	err := b.run(ctx, *repo, fs.Arg(0), fs.Arg(1))
	if err != nil {
		return &command.ExitError{Code: notComparable, Err: fmt.Errorf("bisect: %w", err)}
	}
	return nil
}

func (b *bisection) run(ctx context.Context, repo, good, bad string) (err error) {
	if b.repo, err = openRepository(ctx, repo); err != nil {
		return err
	}
	if b.commits, err = b.repo.between(ctx, good, bad); err != nil {
		return err
	}
	last := len(b.commits) - 1
	b.say("%d commits after %s\n             up to %s", last, b.commits[0], b.commits[last])
	whole, err := b.compare(ctx, "whole", 0, last)
	if err != nil {
		return err
	}
	if err := b.choose(whole); err != nil {
		return err
	}
	found, err := b.find(ctx)
	if err := errors.Join(err, b.write()); err != nil {
		return err
	}
	return b.confirm(ctx, found)
}

// say prints a line of the search.
func (b *bisection) say(format string, args ...any) { fmt.Fprintf(b.std.Out, format+"\n", args...) }

// compare compares two commits as compare does, prints how they differ, and keeps
// the comparison's files.
func (b *bisection) compare(ctx context.Context, name string, old, new int) (*compare.Verdict, error) {
	args := append(slices.Clone(b.arguments), "-o", filepath.Join(b.out, name))
	for _, i := range []int{old, new} {
		s, err := b.commits[i].subject(b.repo.dir)
		if err != nil {
			return nil, err
		}
		args = append(args, s.Name)
	}
	c, err := compareFlags(b.std, args)
	if err != nil {
		return nil, err
	}
	if err := c.removeFiles(); err != nil {
		return nil, err
	}
	b.cells = c.input.Cells
	verdict, err := c.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.write(command.Streams{Out: io.Discard, Err: b.std.Err}, verdict); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	b.say("%s with %s: %s", b.commits[new].short, b.commits[old].short, verdict.Outcome)
	for _, reason := range verdict.Reasons {
		b.say("    %s", reason)
	}
	return verdict, nil
}

// choose takes what tells the bad commit from the good one best: the row whose
// slowdown is the most times its noise.
func (b *bisection) choose(whole *compare.Verdict) error {
	best := 0.0
	for _, row := range whole.Rows {
		clear := stats.Mean(row.Values) / stats.StdDev(row.Values)
		if row.Decides && row.Finding == paired.Slower && clear > best {
			b.row, best = row, clear
		}
	}
	if best == 0 || whole.Outcome != compare.Regression {
		return fmt.Errorf("%s isn't slower than %s, or that can't be told: there is nothing to look for",
			b.commits[len(b.commits)-1].short, b.commits[0].short)
	}
	for _, cell := range b.cells {
		if compare.Name(cell) == b.row.Cell {
			b.cell = cell
		}
	}
	var err error
	b.search, err = bisect.NewSearch(len(b.commits)-1, bisect.Step{
		Size: stats.Mean(b.row.Values), Noise: stats.StdDev(b.row.Values), Rounds: len(b.row.Values),
	})
	return err
}

// find measures until the search is done.
func (b *bisection) find(ctx context.Context) (found bisect.Range, err error) {
	options := experiment.Options{Netem: "auto"}
	good, err := b.commits[0].subject(b.repo.dir)
	if err != nil {
		return found, err
	}
	options.Brokers = append(options.Brokers, good)
	options.Testbed.Pin = true
	if err := selfTestbed(&options.Testbed); err != nil {
		return found, err
	}
	series, err := experiment.NewSeries(ctx, options)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, series.Close()) }()
	for n := 1; ; n++ {
		found, done := b.search.Best()
		if done {
			return found, nil
		}
		if n > mostRounds {
			return found, fmt.Errorf("%d rounds can't tell: %d commits are left, most probably it is %s",
				mostRounds, b.search.Left(), b.describe(found))
		}
		if err := b.measure(ctx, series, good.Name, b.search.Next()); err != nil {
			return found, err
		}
	}
}

// measure makes a round with the good commit and another one.
func (b *bisection) measure(ctx context.Context, series *experiment.Series, good string, i int) error {
	c := b.commits[i]
	value, err := b.round(ctx, series, good, c)
	var fault *unmeasurable
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &fault):
		b.search.Skip(i)
		b.skipped[i] = err.Error()
		b.say("%4d %-50.50s passed over: %s", i, c, firstLine(err.Error()))
		return nil
	case err != nil:
		return err
	}
	b.search.Observe(i, value)
	b.measured = append(b.measured, []string{
		strconv.Itoa(i), c.hash, b.row.Cell, string(b.row.Witness), strconv.FormatFloat(math.Expm1(value), 'f', 5, 64),
	})
	b.say("%4d %-50.50s %s %+.1f %%, %d left", i, c, b.row.Witness, 100*math.Expm1(value), b.search.Left())
	return nil
}

// unmeasurable is the error of a commit that can't be built or run.
type unmeasurable struct{ why string }

func (e *unmeasurable) Error() string { return e.why }

// attempts is how often a round is made before the fault is the commit's.
const attempts = 2

// round returns how much more a commit takes than the good one: the logarithm.
// A commit that installs the same files isn't measured.
func (b *bisection) round(ctx context.Context, series *experiment.Series, good string, c commit) (float64, error) {
	s, err := c.subject(b.repo.dir)
	if err != nil {
		return 0, err
	}
	prepared, err := series.Add(ctx, s)
	if err != nil {
		return 0, &unmeasurable{strings.TrimPrefix(err.Error(), "broker "+s.Name+": ")}
	}
	if prepared.Same(series.Subject(good)) {
		return 0, nil
	}
	for attempt := 1; ; attempt++ {
		made, err := series.Round(ctx, experiment.Round{
			Name: fmt.Sprintf("%s, %d left", c, b.search.Left()),
			Old:  series.Label(good), New: prepared.Label, Cell: b.cell, NewFirst: len(b.measured)%2 == 1,
		})
		if err == nil {
			if value, ok := (paired.Round{Pairs: made.Pairs}).Value(b.row.Witness); ok {
				return value, nil
			}
			err = fmt.Errorf("the round has no %s", b.row.Witness)
		}
		if attempt == attempts || ctx.Err() != nil {
			if slices.Equal(atFault(err, false), []compare.Side{compare.New}) {
				err = &unmeasurable{err.Error()}
			}
			return 0, err
		}
	}
}

// describe names the commits of a range.
func (b *bisection) describe(r bisect.Range) string {
	if r.Bad == r.Good+1 {
		return b.commits[r.Bad].String()
	}
	return fmt.Sprintf("one of the %d after %s up to %s", r.Bad-r.Good, b.commits[r.Good].short, b.commits[r.Bad])
}

// confirm compares what was found with the commit before it, and says which one it
// is.
func (b *bisection) confirm(ctx context.Context, found bisect.Range) error {
	if found.Bad-found.Good < len(b.commits)-1 {
		last, err := b.compare(ctx, "found", found.Good, found.Bad)
		if err != nil {
			return err
		}
		if last.Outcome != compare.Regression {
			return fmt.Errorf("most probably it is %s, but comparing it with the commit before doesn't confirm that: "+
				"the slowdown may be the sum of several commits', see %s", b.describe(found), b.out)
		}
	}
	took := time.Since(b.begun).Round(time.Second)
	b.say("\nfound in %d rounds, %v:", len(b.measured), took)
	for i := found.Good + 1; i <= found.Bad; i++ {
		c := b.commits[i]
		b.say("\n    %s %s\n    %s, %s", c.hash, c.title, c.author, c.date)
		if why := b.skipped[i]; why != "" {
			b.say("    passed over: %s", firstLine(why))
		}
	}
	if n := found.Bad - found.Good; n > 1 {
		return fmt.Errorf("it is one of these %d: those between can't be measured", n)
	}
	return nil
}

// write keeps what each round gave.
func (b *bisection) write() error {
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	var text strings.Builder
	head := []string{"commit", "hash", "cell", "witness", "slowdown"}
	if err := csv.NewWriter(&text).WriteAll(append([][]string{head}, b.measured...)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.out, "rounds.csv"), []byte(text.String()), 0o644)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
