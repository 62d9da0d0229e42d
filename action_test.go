package cometbench

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cometbench/internal/require"
)

// rehearsal is a job that uses the action, on a made repository. The commands go
// and cometbench are stubs, all else is as GitHub runs it.
type rehearsal struct {
	t                 *testing.T
	dir, origin, work string
	env               map[string]string
	// Commits of the origin: main was at stale when the branch left it, gained a
	// commit, and GitHub made the merge of both.
	first, stale, main, branch, merge string
}

// annotation is how GitHub is told of an error.
const annotation = "::error title=cometbench::"

// comet is the folder of Comet in the made repository.
const comet = "the brokers/comet"

// stubs of the commands that the step calls. A comparison writes what it was asked
// to compare, and ends as STUB says.
const (
	stubGo = `#!/bin/sh
[ -z "$NO_GO" ] || { echo "$NO_GO" >&2; exit 1; }
cp "$STUBS/cometbench" "$3"`
	stubCometbench = `#!/bin/sh
for side in old new; do cp $side/setup.py "$STUBS/$side" 2>/dev/null; done
printf '%s\n' "$@" >"$STUBS/arguments"
[ -z "$SAYS" ] || echo "$SAYS" >&2
[ -z "$OUTCOME" ] || for file in verdict.json verdict.txt summary.md; do echo "$OUTCOME" >results/$file; done
exit $STATUS`
)

func rehearse(t *testing.T) *rehearsal {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a runner's")
	r := &rehearsal{t: t, dir: dir, origin: filepath.Join(dir, "origin"), work: filepath.Join(dir, "work", "comet")}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stubs", "temp", "home", "origin", "work"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	stubs := filepath.Join(dir, "stubs")
	r.write(filepath.Join(stubs, "go"), stubGo)
	r.write(filepath.Join(stubs, "cometbench"), stubCometbench)
	r.env = map[string]string{
		"PATH": stubs + ":" + os.Getenv("PATH"), "HOME": filepath.Join(dir, "home"), "STUBS": stubs,
		"RUNNER_TEMP": filepath.Join(dir, "temp"), "GITHUB_WORKSPACE": r.work, "GITHUB_ACTION_PATH": root,
		"GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"),
		"GITHUB_REF_NAME": "feature", "OLD": "", "NEW": "", "FOLDER": comet, "NUMBER": "", "BASE_SHA": "",
		"BASE_BRANCH": "main", "BUDGET": "5m", "LATENCY": "0", "CONNS": "8", "EFFECT": "5%", "ARTIFACT": "cometbench",
		"FAIL_ON_UNKNOWN": "false", "OUTCOME": "No regression.", "STATUS": "0", "SAYS": "", "NO_GO": "",
		"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "A",
		"GIT_COMMITTER_EMAIL": "a@example.org",
	}
	r.git("init", "--quiet", "--initial-branch=main", r.origin)
	r.git("-C", r.origin, "config", "uploadpack.allowAnySHA1InWant", "true") // as GitHub does
	r.git("-C", r.origin, "commit", "--quiet", "--allow-empty", "--message=first")
	r.first = r.git("-C", r.origin, "rev-parse", "HEAD")
	r.stale = r.commit("stale")
	r.git("-C", r.origin, "checkout", "--quiet", "-b", "feature")
	r.branch = r.commit("feature")
	r.git("-C", r.origin, "checkout", "--quiet", "main")
	r.write(filepath.Join(r.origin, "main.txt"), "what main has gained")
	r.main = r.commit("stale")
	r.git("-C", r.origin, "checkout", "--quiet", "--detach")
	r.git("-C", r.origin, "merge", "--quiet", "--no-ff", "--message=merge", "feature")
	r.merge = r.git("-C", r.origin, "rev-parse", "HEAD")
	r.git("-C", r.origin, "update-ref", "refs/pull/7/merge", r.merge)
	r.git("-C", r.origin, "checkout", "--quiet", "main")
	return r
}

func (r *rehearsal) write(path, text string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rehearsal) read(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.t.Error(err)
	}
	return string(text)
}

// commit commits Comet's sources, which say how they are called, to the origin.
func (r *rehearsal) commit(sources string) (sha string) {
	r.t.Helper()
	r.write(filepath.Join(r.origin, comet, "setup.py"), sources)
	r.git("-C", r.origin, "add", ".")
	r.git("-C", r.origin, "commit", "--quiet", "--message="+sources)
	return r.git("-C", r.origin, "rev-parse", "HEAD")
}

func (r *rehearsal) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = r.environ()
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r *rehearsal) environ() (list []string) {
	for name, value := range r.env {
		list = append(list, name+"="+value)
	}
	return list
}

// checkout is what actions/checkout does with a fetch-depth, 0 for all.
func (r *rehearsal) checkout(sha string, depth int) {
	r.t.Helper()
	r.git("init", "--quiet", r.work)
	r.git("-C", r.work, "remote", "add", "origin", "file://"+r.origin)
	args := []string{"-C", r.work, "fetch", "--quiet", "--no-tags", "origin"}
	if depth > 0 {
		args = append(args, fmt.Sprint("--depth=", depth))
	} else {
		args = append(args, "+refs/heads/*:refs/remotes/origin/*")
	}
	r.git(append(args, "+"+sha+":refs/remotes/checked/out")...)
	r.git("-C", r.work, "checkout", "--quiet", "--detach", sha)
	r.env["GITHUB_SHA"] = sha
}

// pullRequest says that the event is of pull request 7.
func (r *rehearsal) pullRequest() {
	r.env["NUMBER"], r.env["BASE_SHA"], r.env["GITHUB_REF_NAME"] = "7", r.stale, "7/merge"
}

// step runs the action's step, and returns its exit status and what it prints.
func (r *rehearsal) step() (status int, out string) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "bash", "-c", `exec "$GITHUB_ACTION_PATH/.github/compare"`)
	cmd.Env = r.environ()
	cmd.Dir = filepath.Dir(r.work)
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// files lists the files of a folder, their sizes, and when they were changed.
func files(t *testing.T, dir string) (list string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		list += fmt.Sprintln(path, info.Size(), info.ModTime())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestActionSides: the right commits are compared whatever the event and however
// deep the checkout, which is left as it was.
func TestActionSides(t *testing.T) {
	require.Command(t, "git", "git")
	for _, tt := range []struct {
		name    string
		set     func(r *rehearsal)
		old     func(r *rehearsal) string // the commit
		oldText string                    // of its sources
		names   string                    // that the sides begin with
		fails   string                    // part of the annotation
	}{
		{name: "pull request", old: func(r *rehearsal) string { return r.main }, oldText: "stale", names: "main #7",
			set: func(r *rehearsal) { // it needs no network
				r.pullRequest()
				r.checkout(r.merge, 2)
				r.origin += " is out of reach"
				r.git("-C", r.work, "remote", "set-url", "origin", "file://"+r.origin)
			}},
		{name: "pull request, depth 1", old: func(r *rehearsal) string { return r.main }, oldText: "stale",
			names: "main #7", set: func(r *rehearsal) { r.pullRequest(); r.checkout(r.merge, 1) }},
		{name: "pull request's own head", old: func(r *rehearsal) string { return r.stale }, oldText: "stale",
			names: "main #7", set: func(r *rehearsal) { r.pullRequest(); r.checkout(r.branch, 1) }},
		{name: "its head, whose base went on", old: func(r *rehearsal) string { return r.stale }, oldText: "stale",
			names: "main #7", set: func(r *rehearsal) {
				r.pullRequest()
				r.env["BASE_SHA"] = r.main
				r.checkout(r.branch, 1)
			}},
		{name: "merge group", old: func(r *rehearsal) string { return r.main }, oldText: "stale", names: "main gh-",
			set: func(r *rehearsal) {
				r.env["BASE_SHA"], r.env["BASE_BRANCH"] = r.main, "refs/heads/main"
				r.env["GITHUB_REF_NAME"] = "gh-readonly-queue/main/pr-7"
				r.checkout(r.merge, 1)
			}},
		{name: "push to the default branch", old: func(r *rehearsal) string { return r.first }, names: "main main",
			fails: "has no folder the brokers/comet", set: func(r *rehearsal) {
				r.env["BASE_SHA"], r.env["GITHUB_REF_NAME"] = r.first, "main"
				r.checkout(r.main, 1)
			}},
		{name: "push of a branch", old: func(r *rehearsal) string { return r.stale }, oldText: "stale",
			names: "main feature", set: func(r *rehearsal) { r.checkout(r.branch, 1) }},
		{name: "push of a new default branch", old: func(r *rehearsal) string { return r.stale }, oldText: "stale",
			names: "main main", set: func(r *rehearsal) {
				r.env["BASE_SHA"], r.env["GITHUB_REF_NAME"] = strings.Repeat("0", 40), "main"
				r.checkout(r.main, 1)
			}},
		{name: "by hand, all history", old: func(r *rehearsal) string { return r.stale }, oldText: "stale",
			names: "main feature", set: func(r *rehearsal) {
				r.checkout(r.branch, 0)
				r.git("-C", r.work, "remote", "set-url", "origin", "file:///nowhere")
			}},
		{name: "by hand, on the default branch", old: func(r *rehearsal) string { return r.stale }, oldText: "stale",
			names: "main main", set: func(r *rehearsal) { r.env["GITHUB_REF_NAME"] = "main"; r.checkout(r.main, 0) }},
		{name: "no event says a branch", old: func(r *rehearsal) string { return r.stale }, oldText: "stale",
			names: "before feature", set: func(r *rehearsal) { r.env["BASE_BRANCH"] = ""; r.checkout(r.branch, 1) }},
		{name: "a branch whose name is a command", old: func(r *rehearsal) string { return r.stale }, oldText: "stale",
			names: "main $(touch${IFS}pwned);`id`", set: func(r *rehearsal) {
				r.env["GITHUB_REF_NAME"] = "$(touch${IFS}pwned);`id`"
				r.checkout(r.branch, 1)
			}},
		{name: "somebody else's checkout", old: func(r *rehearsal) string { return r.main }, oldText: "stale",
			names: "main #7", set: func(r *rehearsal) {
				require.Root(r.t)
				r.pullRequest()
				r.checkout(r.merge, 2)
				if out, err := exec.Command("chown", "-R", "65534:65534", r.work).CombinedOutput(); err != nil {
					r.t.Fatalf("chown: %v: %s", err, out)
				}
			}},
		{name: "first commit", fails: "is the first commit", set: func(r *rehearsal) {
			r.env["FOLDER"] = "."
			r.checkout(r.first, 1)
		}},
		{name: "no such folder", fails: `no folder "elsewhere"`, set: func(r *rehearsal) {
			r.env["FOLDER"] = "elsewhere"
			r.checkout(r.branch, 1)
		}},
		{name: "no checkout", fails: "isn't in a checkout", set: func(r *rehearsal) {
			r.write(filepath.Join(r.work, comet, "setup.py"), "")
		}},
		{name: "base out of reach", fails: "can't be fetched", set: func(r *rehearsal) {
			r.pullRequest()
			r.checkout(r.merge, 1)
			r.git("-C", r.work, "remote", "set-url", "origin", "file:///nowhere")
		}},
		{name: "no origin", fails: "no origin", set: func(r *rehearsal) {
			r.pullRequest()
			r.checkout(r.merge, 1)
			r.git("-C", r.work, "remote", "remove", "origin")
		}},
		{name: "unrelated base", fails: "no commit in common", set: func(r *rehearsal) {
			tree := r.git("-C", r.origin, "rev-parse", "main^{tree}")
			r.env["BASE_SHA"] = r.git("-C", r.origin, "commit-tree", "-m", "another root", tree)
			r.git("-C", r.origin, "update-ref", "refs/heads/another", r.env["BASE_SHA"])
			r.checkout(r.branch, 0)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t)
			tt.set(r)
			before := files(t, r.work)
			status, out := r.step()
			if after := files(t, r.work); after != before {
				t.Errorf("the checkout was changed: got\n%s\nwant\n%s", after, before)
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(r.work), "pwned")); err == nil {
				t.Error("a branch's name was run")
			}
			if tt.fails != "" {
				if status != 2 || !strings.Contains(out, annotation) || !strings.Contains(out, tt.fails) {
					t.Errorf("got status %d, want 2 and an annotation with %q:\n%s", status, tt.fails, out)
				}
				return
			}
			if status != 0 {
				t.Fatalf("got status %d, want 0:\n%s", status, out)
			}
			old, arguments := tt.old(r), r.read("stubs/arguments")
			oldName, newName, _ := strings.Cut(tt.names, " ")
			for _, want := range []string{
				"-old-name=" + oldName + "@" + old[:7], "-new-name=" + newName, "\ncomet@old\ncomet@new\n",
			} {
				if !strings.Contains(arguments, want) {
					t.Errorf("got arguments\n%swant %q in them", arguments, want)
				}
			}
			if strings.Contains(arguments, r.dir) {
				t.Errorf("got arguments with the runner's folders:\n%s", arguments)
			}
			if got := r.read("stubs/old"); got != tt.oldText {
				t.Errorf("got sources of old %q, want %q", got, tt.oldText)
			}
			for _, commit := range []string{old, r.env["GITHUB_SHA"]} {
				if !strings.Contains(out, commit) || !strings.Contains(r.read("summary"), commit) {
					t.Errorf("%s isn't both in the log and in the summary:\n%s", commit, out)
				}
			}
		})
	}
}

// TestActionOutcomes: only a comparison that found a regression ends with 1;
// whatever else goes wrong is 2, and says why.
func TestActionOutcomes(t *testing.T) {
	require.Command(t, "git", "git")
	refused := "compare: broker comet@new: its build failed: HTTPError: 429 Client Error: Too Many Requests"
	for _, tt := range []struct {
		name   string
		env    []string // name, value, ...
		status int
		want   string // part of what is printed
		result string // the output "verdict"
	}{
		{"no regression", nil, 0, "", "0"},
		{"regression", []string{"OUTCOME", "REGRESSION of a against b:", "STATUS", "1"}, 1,
			annotation + "REGRESSION", "1"},
		{"can't tell", []string{"OUTCOME", "Could not tell", "STATUS", "2"}, 0,
			"::warning title=cometbench::", "2"},
		{"can't tell, and must", []string{"OUTCOME", "Could not tell", "STATUS", "2", "FAIL_ON_UNKNOWN", "true"}, 2,
			annotation + "It could not be told", "2"},
		{"the registry refuses", []string{"OUTCOME", "", "STATUS", "2", "SAYS", refused}, 2, "429 Client Error", ""},
		{"an error of many lines", []string{"OUTCOME", "", "STATUS", "2", "SAYS", "100 % of\nit"}, 2,
			"100 %25 of%0Ait", ""},
		{"1 without a verdict", []string{"OUTCOME", "", "STATUS", "1", "SAYS", "panic: oops"}, 2, "panic: oops", ""},
		{"killed", []string{"STATUS", "137"}, 2, "ended with 137", "137"},
		{"no Go modules", []string{"NO_GO", "proxyconnect tcp: connection refused"}, 2, "proxyconnect tcp", ""},
		{"two releases", []string{"OLD", "comet-3.0.0", "NEW", "comet-3.1.0", "FOLDER", "nowhere"}, 0, "", "0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t)
			r.pullRequest()
			r.checkout(r.merge, 2)
			for i := 0; i < len(tt.env); i += 2 {
				r.env[tt.env[i]] = tt.env[i+1]
			}
			status, out := r.step()
			if status != tt.status || !strings.Contains(out, tt.want) {
				t.Errorf("got status %d, want %d and %q:\n%s", status, tt.status, tt.want, out)
			}
			if tt.status == 2 && !strings.Contains(out, annotation) {
				t.Errorf("got no annotation:\n%s", out)
			}
			want := ""
			if tt.result != "" {
				want = "verdict=" + tt.result + "\n"
			}
			if got := r.read("output"); !strings.HasSuffix(got, "artifact=cometbench\n"+want) {
				t.Errorf("got outputs\n%swant %q at their end", got, want)
			}
		})
	}
}

// TestActionTwice: a second use in a job compares again, and shows nothing of the
// first where it fails.
func TestActionTwice(t *testing.T) {
	require.Command(t, "git", "git")
	r := rehearse(t)
	r.pullRequest()
	r.checkout(r.merge, 2)
	r.env["OUTCOME"] = "the first verdict"
	if status, out := r.step(); status != 0 {
		t.Fatalf("got status %d, want 0:\n%s", status, out)
	}
	r.env["OUTCOME"], r.env["STATUS"], r.env["SAYS"] = "", "2", "no engine answers"
	if status, out := r.step(); status != 2 || !strings.Contains(out, "no engine answers") {
		t.Errorf("got status %d, want 2:\n%s", status, out)
	}
	r.env["OUTCOME"], r.env["STATUS"] = "the third verdict", "0"
	if status, out := r.step(); status != 0 {
		t.Errorf("got status %d, want 0:\n%s", status, out)
	}
	if got := strings.Count(r.read("summary"), "verdict"); got != 2 {
		t.Errorf("got %d verdicts in the summary, want 2:\n%s", got, r.read("summary"))
	}
	results := regexp.MustCompile(`(?m)^(results|artifact)=.*`).FindAllString(r.read("output"), -1)
	seen := make(map[string]bool)
	for _, line := range results {
		seen[line] = true
	}
	if len(seen) != 6 {
		t.Errorf("got %q, want a folder and an artefact of its own for each use", results)
	}
}

// TestActionWorkflows: actionlint accepts the workflows that docs/action.md has its
// readers paste, and no script has an expression in it.
func TestActionWorkflows(t *testing.T) {
	require.Command(t, "go", "go")
	text, err := os.ReadFile("docs/action.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("got %d workflows in docs/action.md, want 2", len(blocks))
	}
	for _, block := range blocks {
		lint := exec.CommandContext(t.Context(), "go", "tool", "actionlint", "-")
		lint.Stdin = bytes.NewReader(block[1])
		if out, err := lint.CombinedOutput(); err != nil {
			t.Errorf("actionlint: %v\n%s", err, out)
		}
	}
	for _, name := range []string{"action.yml", ".github/comment/action.yml"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if run := regexp.MustCompile(`(?m)^ *(?:- )?run:.*\$\{\{.*`).Find(text); run != nil {
			t.Errorf("%s: %s: want values in the environment", name, run)
		}
	}
}
