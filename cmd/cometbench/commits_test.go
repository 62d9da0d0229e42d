package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
)

// madeRepository makes a repository with three commits on main, of which the
// second merges a branch of one commit, and returns it.
func madeRepository(t *testing.T) *repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		require.Missing(t, "git", err.Error())
	}
	dir := filepath.Join(t.TempDir(), "with blanks")
	git := func(args ...string) {
		t.Helper()
		config := []string{"-C", dir, "-c", "user.name=A. Author", "-c", "user.email=a@example.org"}
		cmd := exec.Command("git", append(config, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v: %s", args, err, out)
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	git("init", "--quiet", "--initial-branch=main")
	git("commit", "--quiet", "--allow-empty", "-m", "Begin")
	git("checkout", "--quiet", "-b", "branch")
	git("commit", "--quiet", "--allow-empty", "-m", "Work on a branch")
	git("checkout", "--quiet", "main")
	git("merge", "--quiet", "--no-ff", "-m", "Merge the branch", "branch")
	git("commit", "--quiet", "--allow-empty", "-m", "End")
	r, err := openRepository(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBetween(t *testing.T) {
	r := madeRepository(t)
	for _, tt := range []struct{ good, bad, want string }{
		{"main~2", "main", "Begin, Merge the branch, End"},
		{"main~1", "main", "Merge the branch, End"},
		{"branch", "main", "Work on a branch, Merge the branch, End"},
		{"main", "main", "the same commit"},
		{"main", "main~1", "must be an ancestor"},
		{"main~1", "branch", "must be an ancestor"},
		{"nowhere", "main", `"nowhere" is no commit of this repository`},
		{"--all", "main", `"--all" is no commit of this repository`},
	} {
		commits, err := r.between(t.Context(), tt.good, tt.bad)
		var titles []string
		for _, c := range commits {
			titles = append(titles, c.title)
			if c.author != "A. Author" || len(c.hash) < 40 || !strings.HasPrefix(c.hash, c.short) ||
				len(c.date) != len(time.DateOnly) {
				t.Errorf("got the commit %+v", c)
			}
		}
		got := strings.Join(titles, ", ")
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != tt.want || !strings.Contains(got, tt.want) {
			t.Errorf("%s..%s: got %q, want %q", tt.good, tt.bad, got, tt.want)
		}
	}
}

// TestBisectRefuses: what is wrong is named before anything is measured, and no
// folder is left.
func TestBisectRefuses(t *testing.T) {
	r := madeRepository(t)
	out := filepath.Join(t.TempDir(), "out")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"one commit", []string{"main"}, "want GOOD and BAD"},
		{"no repository", []string{"-repo", t.TempDir(), "a", "b"}, "not a git repository"},
		{"no commit", []string{"-repo", r.dir, "main~2", "elsewhere"}, `"elsewhere" is no commit`},
		{"conns", []string{"-repo", r.dir, "-conns=0", "main~2", "main"}, "-conns"},
	} {
		_, stderr, code := call(t, "", append([]string{"bisect", "-o", out}, tt.args...)...)
		if code != 2 || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit code %d, %q; want 2, %q", tt.name, code, stderr, tt.want)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Errorf("%s is left", out)
	}
}
