package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"cometbench/internal/command"
)

// try runs the command as a shell would and returns what it wrote and its exit
// code.
func try(t *testing.T, ctx context.Context, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = commands().Run(ctx, command.Streams{In: strings.NewReader(""), Out: &out, Err: &errs}, args)
	return out.String(), errs.String(), code
}

// TestMain is the command itself where it is started as such: compare starts
// its own executable as the parts on this machine.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && commands().Has(os.Args[1]) {
		os.Exit(commands().Main())
	}
	os.Exit(m.Run())
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
		t.Run(c.Name, func(t *testing.T) {
			stdout, stderr, code := try(t, t.Context(), c.Name, "-help")
			if code != 0 || !strings.Contains(stdout+stderr, "usage: cometbench "+c.Name) {
				t.Errorf("exit code %d, output:\n%s%s", code, stdout, stderr)
			}
		})
	}
}
