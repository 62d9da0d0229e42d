package cometbench

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cometbench/internal/require"
)

// TestDocCommands runs the commands of the README and of the package's
// documentation as a reader would, but with few events.
func TestDocCommands(t *testing.T) {
	require.Docker(t)
	require.Command(t, "go", "go")
	shell := require.Command(t, "bash", "bash")
	dir := t.TempDir()
	command := filepath.Join(dir, "cometbench")
	tree := filepath.Join(dir, "tree")
	ours := strings.NewReplacer(
		"go build ", "go build -o "+command+" ",
		"./cometbench ", command+" ",
		"results.txt", filepath.Join(dir, "results.txt"),
		"FILE.svg", filepath.Join(dir, "FILE.svg"),
		"report DIR", "report -o "+filepath.Join(dir, "report.html")+" "+tree,
		" DATABASE", " "+filepath.Join(tree, "embedded/0ms/2c/run1/broker.db"),
		" DIR", " "+tree,
	)
	commands := documented(t, "README.md", "    ")
	for _, line := range documented(t, "doc.go", "//\t") {
		if !slices.Contains(commands, line) {
			commands = append(commands, line)
		}
	}
	if len(commands) < 10 {
		t.Fatalf("got %d commands, want those of the README and of doc.go: %q", len(commands), commands)
	}
	run := func(t *testing.T, line string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), shell, "-o", "pipefail", "-c", line).CombinedOutput()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			switch text := string(out); {
			case exit.ExitCode() == 2 && strings.Contains(text, "too few rounds"):
				return // the verdict of a comparison as short as this one
			case strings.Contains(line, "-bench=Latency") && strings.Contains(text, "the author itself was late"):
				t.Skip("this machine was too busy for the schedule of an open loop")
			}
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	run(t, "go test -run='^$' -bench=. . -broker=embedded -latency=0 -conns=2 -events=40 -results="+tree)
	for _, line := range commands {
		if line != "go test ./..." { // this test is a part of that
			t.Run(line, func(t *testing.T) { run(t, short(ours.Replace(line), dir)) })
		}
	}
}

// documented returns the commands among the lines of a file that begin with
// the indentation of its examples.
func documented(t *testing.T, name, indentation string) []string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for line := range strings.Lines(string(text)) {
		line, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), indentation)
		if indented && regexp.MustCompile(`^(\w+=\S+ )?(go|\./cometbench) `).MatchString(line) {
			line, _, _ = strings.Cut(line, " #")
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	return commands
}

// short returns a command that measures with flags behind its own that keep it
// short, and any other as it is.
func short(line, dir string) string {
	first, rest, piped := strings.Cut(line, " | ")
	switch {
	case strings.Contains(first, " -bench="):
		first += " -count=1 -events=40 -latency=0 -conns=1"
	case strings.Contains(first, " capacity "):
		first = strings.Replace(first, " capacity ", " capacity -budget=1s ", 1)
	case strings.Contains(first, " compare "):
		few := " compare -budget=1s -o " + filepath.Join(dir, "compare") + " "
		first = strings.Replace(first, " compare ", few, 1)
	}
	if piped {
		return first + " | " + rest
	}
	return first
}
