package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"cometbench/subject"
)

// commit is one of a git repository.
type commit struct{ hash, short, title, author, date string }

func (c commit) String() string { return fmt.Sprintf("%s %s", c.short, c.title) }

// subject returns the Comet of that commit.
func (c commit) subject(repo string) (subject.Subject, error) {
	return subject.Parse("comet@git+" + repo + "#" + c.hash)
}

// repository is a git repository on this machine.
type repository struct{ dir string }

// openRepository returns the repository that a folder is in.
func openRepository(ctx context.Context, dir string) (*repository, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	top, err := (&repository{dir}).git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	return &repository{strings.TrimSpace(top)}, nil
}

// git runs git there and returns what it prints. Its error holds git's own words.
func (r *repository) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", r.dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.Output()
	if err != nil {
		said := ""
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			said = strings.TrimSpace(string(exit.Stderr))
		}
		return "", fmt.Errorf("git %s in %s: %w: %s", args[0], r.dir, err, said)
	}
	return string(out), nil
}

// between returns the commit good and those after it up to bad, the oldest first.
// Of a merge only the first parent is followed: what was merged is one step.
func (r *repository) between(ctx context.Context, good, bad string) ([]commit, error) {
	for _, revision := range []string{good, bad} {
		if _, err := r.git(ctx, "rev-parse", "--verify", "--end-of-options", revision+"^{commit}"); err != nil {
			return nil, fmt.Errorf("%q is no commit of this repository: %w", revision, err)
		}
	}
	if _, err := r.git(ctx, "merge-base", "--is-ancestor", good, bad); err != nil {
		return nil, fmt.Errorf("GOOD %q must be an ancestor of BAD %q: %w", good, bad, err)
	}
	const format = "--format=%H%x00%h%x00%an%x00%as%x00%s"
	first, err := r.git(ctx, "log", "-1", format, "--end-of-options", good)
	if err != nil {
		return nil, err
	}
	rest, err := r.git(ctx, "log", "--first-parent", "--reverse", format, "--end-of-options", bad, "^"+good)
	if err != nil {
		return nil, err
	}
	var list []commit
	for line := range strings.Lines(first + rest) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\x00")
		if len(f) != 5 {
			return nil, fmt.Errorf("git log in %s: got %q, want five fields", r.dir, line)
		}
		list = append(list, commit{hash: f[0], short: f[1], author: f[2], date: f[3], title: f[4]})
	}
	if len(list) < 2 {
		return nil, fmt.Errorf("GOOD %q and BAD %q are the same commit", good, bad)
	}
	return list, nil
}
