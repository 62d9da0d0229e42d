package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cometbench/internal/command"
	"cometbench/internal/require"
	"cometbench/results/compare"
)

// TestCompareFlags: what is wrong is refused with its name, its value and what
// is allowed, before anything starts; the last comparison's verdict is removed.
func TestCompareFlags(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"one broker", []string{"embedded"}, "want OLD and NEW"},
		{"three brokers", []string{"embedded", "embedded", "embedded"}, "want OLD and NEW"},
		{"old", []string{"comet", "embedded"}, `OLD: broker "comet"`},
		{"new", []string{"embedded", "comet-x"}, `NEW: broker "comet-x"`},
		{"remote", []string{"embedded", "tcp://127.0.0.1:8098"}, "starts brokers itself"},
		{"budget", []string{"-budget=0s", "embedded", "embedded"}, "-budget 0s: want a time above zero"},
		{"latency", []string{"-latency=10", "embedded", "embedded"}, "-latency"},
		{"conns", []string{"-conns=0", "embedded", "embedded"}, "-conns"},
		{"netem", []string{"-netem=magic", "embedded", "embedded"}, "-netem"},
		{"stored and OLD", []string{"-stored=x.json", "embedded", "embedded"}, "with -stored, want NEW"},
		{"no stored file", []string{"-stored=x.json", "embedded"}, "-stored: open x.json"},
		{"effect", []string{"-effect=none", "embedded", "embedded"}, "want percent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"verdict.json", "summary.md", "report.html", "notes.txt"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("yesterday's"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, stderr, code := call(t, "", append([]string{"compare", "-o", dir}, tt.args...)...)
			left, err := os.ReadDir(dir)
			if err != nil || len(left) != 1 || left[0].Name() != "notes.txt" {
				t.Errorf("%v are left (%v), want the file of somebody else only", left, err)
			}
			if code != 2 || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit code %d, %q; want 2, %q", code, stderr, tt.want)
			}
		})
	}
}

// TestCompare compares the embedded broker with itself: one round can't tell, and
// all files say so.
func TestCompare(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the command and sends 40,000 events")
	}
	dir := filepath.Join(t.TempDir(), "new", "folder")
	stdout, stderr, code := call(t, "", "compare", "-o", dir, "-budget=1ms", "-latency=0", "-conns=8",
		"-old-name", "main@abc1234", "-new-name", "#123@def5678", "embedded", "embedded")
	if code != 2 || stderr != "" {
		t.Fatalf("exit code %d, want 2: %s%s", code, stdout, stderr)
	}
	for _, want := range []string{"main@abc1234", "#123@def5678", "1 rounds", "Could not tell", "too few rounds"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q isn't in what it prints:\n%s", want, stdout)
		}
	}
	for name, want := range map[string]string{
		"verdict.txt": "too few rounds", "summary.md": "Could not tell", "report.html": "<svg",
		"rounds.csv": "false,6,new,",
	} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %q isn't in it (%v):\n%.2000s", name, want, err, data)
		}
	}
	var verdict struct {
		Outcome string
		Rounds  int
		Void    []string
		Losses  []any
		Rows    []struct {
			Finding  string
			Slowdown float64
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "verdict.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &verdict); err != nil || verdict.Outcome != "could not tell" ||
		verdict.Rounds != 1 || len(verdict.Void) != 0 || len(verdict.Losses) != 0 || len(verdict.Rows) != 3 {
		t.Errorf("%+v %v", verdict, err)
	}
	for _, r := range verdict.Rows {
		if r.Slowdown < -0.9 || r.Slowdown > 9 || r.Finding != "open" { // on a busy machine, too
			t.Errorf("a round of equals gives the row %+v", r)
		}
	}
}

// TestCompareIdentical: a Comet that is spelt in two ways needs no rounds.
func TestCompareIdentical(t *testing.T) {
	require.Docker(t)
	dir := t.TempDir()
	stdout, stderr, code := call(t, "", "compare", "-o", dir, "comet-3.1.0", "comet-3.1.0+python3.11")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "comet-3.1.0+python3.11 and comet-3.1.0 are identical") {
		t.Fatalf("exit code %d, want 0: %s%s", code, stdout, stderr)
	}
	for _, name := range []string{"verdict.txt", "verdict.json", "summary.md", "report.html"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(data), "identical") {
			t.Errorf("%s: got %v, %s", name, err, data)
		}
	}
}

// TestCompareFails: a comparison that can't be made leaves no folder, but for one
// that was there before.
func TestCompareFails(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the command")
	}
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "nobody.sock"))
	mine := t.TempDir()
	for _, dir := range []string{mine, filepath.Join(mine, "new", "folder")} {
		if _, stderr, code := call(t, "", "compare", "-o", dir, "comet-3.0.0", "comet-3.1.0"); code != 2 {
			t.Errorf("exit code %d, want 2: %s", code, stderr)
		}
		if left, err := os.ReadDir(mine); err != nil || len(left) > 0 {
			t.Errorf("%s: %v are left (%v)", dir, left, err)
		}
	}
}

// TestCompareKeepsVerdict: an error of cleaning up stands beside the verdict, not in
// its place.
func TestCompareKeepsVerdict(t *testing.T) {
	c := &comparison{out: t.TempDir()}
	c.input.Identical = true
	c.input.Old.Name, c.input.New.Name = "comet-3.0.0", "comet-3.1.0"
	verdict := compare.Judge(c.input, c.options)
	for _, left := range []error{nil, errors.New("a network is left")} {
		var stdout strings.Builder
		err := c.conclude(command.Streams{Out: &stdout}, verdict, left)
		var exit *command.ExitError
		failed := errors.As(err, &exit) && exit.Code == notComparable && errors.Is(err, left)
		if left == nil && err != nil || left != nil && !failed {
			t.Errorf("%v: got %v", left, err)
		}
		data, err := os.ReadFile(filepath.Join(c.out, "verdict.json"))
		if err != nil || !strings.Contains(string(data), "identical") ||
			!strings.Contains(stdout.String(), "comet-3.1.0") {
			t.Errorf("%v: got %q, %v and %q", left, data, err, &stdout)
		}
		if err := c.removeFiles(); err != nil {
			t.Fatal(err)
		}
	}
}
