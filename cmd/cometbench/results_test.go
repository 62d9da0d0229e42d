package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cometbench/internal/command"
	"cometbench/matrix"
	"cometbench/results"
)

const (
	realTree = "../../results/testdata/real"
	paper    = "../../results/judge/paper.json"
)

// call runs cometbench with args and returns what it printed and its exit
// code.
func call(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = commands().Run(context.Background(), command.Streams{In: strings.NewReader(stdin), Out: &out, Err: &errs},
		args)
	return out.String(), errs.String(), code
}

func TestResultsCommands(t *testing.T) {
	broken := t.TempDir()
	if err := os.CopyFS(broken, os.DirFS(realTree)); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(broken, "comet-1.1.0/0ms/4c/run1/author.log")
	if err := os.WriteFile(log, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "README"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	foreign, void, empty := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{foreign, void} {
		if err := os.CopyFS(dir, os.DirFS(realTree)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(foreign, "comet-1.1.0/0ms/4"),
		os.DirFS(filepath.Join(realTree, "comet-1.1.0/0ms/4c"))); err != nil {
		t.Fatal(err)
	}
	died := &results.Run{Cell: matrix.Cell{Broker: "comet-1.1.0", Conns: 4}, Void: "the broker died"}
	staging, err := results.Tree{Dir: void}.Stage()
	if err == nil {
		_, err = staging.Commit(died)
	}
	if err := errors.Join(err, staging.Discard()); err != nil {
		t.Fatal(err)
	}
	const record = "BenchmarkThroughput/broker=b/latency=0ms/conns=1-2 1 5 ns/op 500 author-events/s 500 " +
		"broker-events/s 0 missing-events 500 subscriber-events/s\n"
	twice := `{"0":{"8":{"author":{"mean":2000},"broker":{},"subscriber":{},"missing":0},
		"64":{"author":{"mean":2000},"broker":{},"subscriber":{},"missing":0}},
		"100":{"8":{"author":{"mean":79},"broker":{},"subscriber":{},"missing":0}}}`
	for _, tt := range []struct {
		name, stdin    string
		args           []string
		code           int
		stdout, stderr []string
	}{
		{"aggregate", "", []string{"aggregate", realTree}, 0, []string{`"comet-1.1.0": {`, `"4": {`, `"missing": 0`},
			nil},
		{"paper's definition", "", []string{"aggregate", "-paper", realTree + "/comet-1.1.0"}, 0,
			[]string{`"mean": 289.40753`}, nil},
		{"aggregate JSON", "", []string{"aggregate", paper}, 0,
			[]string{`"max": 495.2264135544658`, `"missing": -10000`}, []string{"stale"}},
		{"aggregate with brokers", "", []string{"aggregate", "-brokers", "-broker=x", paper}, 0, []string{`"x": {`},
			nil},
		{"broken", "", []string{"aggregate", broken}, 1, []string{`"4": {`},
			[]string{log + ": the log ends early", "README: not part of a tree"}},
		{"left out", "", []string{"aggregate", foreign}, 1, []string{`"4": {`},
			[]string{"comet-1.1.0/0ms/4/run1/author.log is left out: want a folder of connections"}},
		{"void", "", []string{"aggregate", void}, 0, []string{`"4": {`},
			[]string{"comet-1.1.0/0ms/4c/void1: the run is void: the broker died"}},
		{"torn", record + "BenchmarkThroughput/broker=b/latency=0ms/conns=1-2 \tcometbench: a message\n",
			[]string{"aggregate", "-"}, 1, []string{`"mean": 500`}, []string{"standard input: 1 records are torn"}},
		{"empty", "", []string{"aggregate", empty}, 1, nil, []string{empty + ": no runs: want BROKER/100ms/64c/run1"}},
		{"nothing", "", []string{"aggregate", empty + "/nothing"}, 1, nil, []string{"no such file"}},
		{"no operand", "", []string{"aggregate"}, 2, nil, []string{"want RESULTS"}},
		{"flags behind", "", []string{"aggregate", realTree, "-paper"}, 2, nil, []string{`not "-paper" too`}},
		{"bench", "", []string{"bench", realTree}, 0,
			[]string{"Unit author-events/s better=higher",
				"BenchmarkThroughput/broker=comet-3.1.0/latency=0ms/conns=4\t"}, nil},
		{"bench broken", "", []string{"bench", broken}, 1, []string{"broker=comet-3.1.0"}, []string{log}},
		{"merge", "", []string{"merge", "-o", filepath.Join(empty, "merged"), realTree}, 1, nil,
			[]string{"comet-1.1.0/0ms/4c/run1: nobody knows when it was made"}},
		{"merge into a tree", "", []string{"merge", "-o", void, realTree}, 1, nil, []string{"holds something already"}},
		{"merge nowhere", "", []string{"merge", realTree}, 2, nil, []string{"want -o DIR"}},
		{"check", "", []string{"check", paper}, 0,
			[]string{"service time t: 3.52 ms", "0ms, 512c: 23 % below the plateau; 432 events missing"}, nil},
		{"check outside", twice, []string{"check", "-"}, 1, []string{"OUTSIDE", "2.0 times theory"},
			[]string{"outside the band of ±10 % around theory: 100ms/8c"}},
		{"check benchmark", record, []string{"check", "-"}, 0, []string{"service time t: 2 ms"}, nil},
		{"check tree", "", []string{"check", "-role=broker", realTree}, 0, []string{"comet-1.1.0\n", "comet-3.1.0\n"},
			nil},
		{"band", "", []string{"check", "-band=2", paper}, 2, nil, []string{"-band 2: want a fraction"}},
		{"role", "", []string{"check", "-role=editor", paper}, 2, nil,
			[]string{`-role "editor": want author, broker or subscriber`}},
		{"help", "", []string{"help", "check"}, 0, nil, []string{"usage: cometbench check", "-band fraction"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, code := call(t, tt.stdin, tt.args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			for _, want := range tt.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("stdout has no %q:\n%s", want, stdout)
				}
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr has no %q:\n%s", want, stderr)
				}
			}
			if len(tt.stdout) == 0 && stdout != "" {
				t.Errorf("stdout: %s", stdout)
			}
		})
	}
}
