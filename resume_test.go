package cometbench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results"
)

// kept are the arguments of a benchmark of two cells that keeps its runs.
func kept(dir string, count int, more ...string) []string {
	return append([]string{"-broker=embedded", "-latency=0", "-conns=1,2", "-events=20", "-results=" + dir,
		fmt.Sprint("-test.count=", count)}, more...)
}

// TestResume kills a benchmark in the middle, and goes on: in the end the tree is
// the one of a benchmark that nobody has killed, and what is printed is too.
func TestResume(t *testing.T) {
	t.Chdir(t.TempDir()) // a commit in this folder meanwhile would make it another program
	dir := filepath.Join(t.TempDir(), "tree")
	const count = 6
	killed := exec.Command(os.Args[0], append([]string{"-test.run=^$", "-test.bench=."}, kept(dir, count)...)...)
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, filepath.Join(dir, "embedded/0ms/1c/run3"))
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := killed.Wait(); err == nil {
		t.Fatal("the benchmark wasn't killed before its end")
	}
	died := &results.Run{Cell: matrix.Cell{Broker: "embedded", Conns: 2, Events: 20}, Void: "a void run doesn't count"}
	staging, err := results.Tree{Dir: dir}.Stage()
	if err == nil {
		_, err = staging.Commit(died)
	}
	if err := errors.Join(err, staging.Discard()); err != nil {
		t.Fatal(err)
	}
	var printed string
	for _, there := range []int{len(runs(t, dir)), 2 * count} {
		stdout, stderr, code := benchmark(t, kept(dir, count, "-resume")...)
		note := fmt.Sprintf("# resumed: %d of %d runs were in %s already\n", there, 2*count, dir)
		if code != 0 || records(stdout) != 2*count || stderr != "" || !strings.Contains(stdout, note) {
			t.Fatalf("exit code %d, %d records, want %d and %q:\n%s%s", code, records(stdout), 2*count, note, stdout,
				stderr)
		}
		printed = stdout
	}
	for n, run := range runs(t, dir) {
		if want := fmt.Sprintf("embedded/0ms/%dc/run%d", 1+n/count, 1+n%count); run != want {
			t.Errorf("got %s in the tree, want %s", run, want)
		}
	}
	// What was made is printed, in its order.
	for found, err := range results.Scan(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		if found.Run.Void != "" {
			continue
		}
		elapsed := fmt.Sprintf("\t%d ns/op", found.Run.Author.Elapsed.Nanoseconds())
		_, after, ok := strings.Cut(strings.ReplaceAll(printed, " ", ""), strings.ReplaceAll(elapsed, " ", ""))
		if !ok {
			t.Errorf("%s isn't printed, or not in its turn: no %q", found.Path, elapsed)
		}
		printed = after
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the killed benchmark has left something in the tree: %v, %v", entries, err)
	}
}

// TestResumeOther: runs that were made in another way are refused by name.
func TestResumeOther(t *testing.T) {
	t.Chdir(t.TempDir()) // a commit in this folder meanwhile would make it another program
	dir := filepath.Join(t.TempDir(), "tree")
	if stdout, stderr, code := benchmark(t, kept(dir, 1)...); code != 0 {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	run := filepath.Join(dir, "embedded/0ms/1c/run1")
	for _, tt := range []struct {
		name   string
		change func(*results.Run)
		more   []string
		want   string
	}{
		{"events", nil, []string{"-events=30"}, "events: 20, not 30 (1 more runs differ)"},
		{"machine", func(r *results.Run) { r.Machine.Kernel = "linux 1.0" }, nil, "kernel: linux 1.0, not "},
		{"subject", func(r *results.Run) { r.Software.Image = "sha256:1" }, nil, "image: sha256:1, not none"},
		{"program", func(r *results.Run) { r.Program.Commit = "1234" }, nil, "1234, not "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.change != nil {
				defer rewrite(t, run, tt.change)()
			}
			stdout, _, code := benchmark(t, kept(dir, 2, append(tt.more, "-resume")...)...)
			if code != 1 || records(stdout) != 0 || !strings.Contains(stdout, "-resume: "+run+": ") ||
				!strings.Contains(stdout, tt.want) {
				t.Errorf("exit code %d, want %s and %q:\n%s", code, run, tt.want, stdout)
			}
		})
	}
	if err := os.Truncate(filepath.Join(run, results.BrokerFile), 100); err != nil {
		t.Fatal(err)
	}
	stdout, _, code := benchmark(t, kept(dir, 2, "-resume")...)
	if code != 1 || !strings.Contains(stdout, filepath.Join(run, results.BrokerFile)) ||
		!strings.Contains(stdout, "remove its folder") {
		t.Errorf("a broken run: exit code %d:\n%s", code, stdout)
	}
}

// runs returns the folders of a tree's whole runs, in the order of their names.
func runs(t *testing.T, dir string) []string {
	t.Helper()
	found, err := fs.Glob(os.DirFS(dir), "*/*/*/run*")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// waitFor waits until there is such a file or folder.
func waitFor(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// rewrite changes the record of a run, until restore is called.
func rewrite(t *testing.T, folder string, change func(*results.Run)) (restore func()) {
	t.Helper()
	name := filepath.Join(folder, results.RunFile)
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text []byte) {
		if err := os.WriteFile(name, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var run results.Run
	if err := json.Unmarshal(before, &run); err != nil {
		t.Fatal(err)
	}
	change(&run)
	after, err := json.Marshal(&run)
	if err != nil {
		t.Fatal(err)
	}
	write(after)
	return func() { write(before) }
}
