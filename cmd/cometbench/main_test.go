package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// try runs the command as a shell would and returns what it wrote and its exit
// code.
func try(t *testing.T, ctx context.Context, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	err := run(ctx, streams{strings.NewReader(""), &out, &errs}, args)
	code = exitCode(&errs, err)
	return out.String(), errs.String(), code
}

func TestUsage(t *testing.T) {
	tests := []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{nil, 2, "", "usage: cometbench"},
		{[]string{"help"}, 0, "usage: cometbench", ""},
		{[]string{"--help"}, 0, "usage: cometbench", ""},
		{[]string{"help", "pause"}, 0, "", "usage: cometbench pause"},
		{[]string{"help", "nothing"}, 2, "", `unknown subcommand "nothing"`},
		{[]string{"nothing"}, 2, "", `unknown subcommand "nothing"`},
		{[]string{"pause", "-for", "soon"}, 2, "", `invalid value "soon" for flag -for`},
		{[]string{"pause", "-for", "-1s"}, 2, "", "want a time above zero"},
		{[]string{"pause", "x"}, 2, "", `unexpected argument "x"`},
		{[]string{"pause", "-for", "1ns"}, 0, "", ""},
		{[]string{"tar"}, 2, "", "want one folder"},
		{[]string{"tar", "/does/not/exist"}, 1, "", "/does/not/exist"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			stdout, stderr, code := try(t, t.Context(), test.args...)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			check(t, "stdout", stdout, test.stdout)
			check(t, "stderr", stderr, test.stderr)
		})
	}
}

// check reports got unless it contains want, or is empty where want is.
func check(t *testing.T, name, got, want string) {
	t.Helper()
	if want == "" && got != "" {
		t.Errorf("%s: unexpected output:\n%s", name, got)
	}
	if !strings.Contains(got, want) {
		t.Errorf("%s: %q isn't in it:\n%s", name, want, got)
	}
}

// Every subcommand answers to -help with its own usage, exit code 0.
func TestHelp(t *testing.T) {
	for _, c := range commands() {
		t.Run(c.name, func(t *testing.T) {
			stdout, stderr, code := try(t, t.Context(), c.name, "-help")
			if code != 0 || !strings.Contains(stdout+stderr, "usage: cometbench "+c.name) {
				t.Errorf("exit code %d, output:\n%s%s", code, stdout, stderr)
			}
		})
	}
}

func TestPauseEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, stderr, code := try(t, ctx, "pause", "-for", "1h"); code != 0 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestTar(t *testing.T) {
	dir := t.TempDir()
	want := map[string]string{"author.log": "log", "db/comet.broker_test": "\x00\x01"}
	for name, content := range want {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr, code := try(t, t.Context(), "tar", dir)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	got := make(map[string]string)
	for r := tar.NewReader(strings.NewReader(stdout)); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[header.Name] = string(content)
	}
	if len(got) != len(want) {
		t.Errorf("got %d files, want %d", len(got), len(want))
	}
	for name, content := range want {
		if got[name] != content {
			t.Errorf("%s: got %q, want %q", name, got[name], content)
		}
	}
}
