// Package need lets a test say what it needs of the machine. Where that is
// missing the test skips and says why, unless the environment variable
// COMETBENCH_REQUIRE names it: then the skip is a failure, so that a machine
// that is meant to have everything (CI) can't pass by skipping.
package need

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// Variable is the environment variable that turns skips into failures: a
// comma-separated list of what must be there, such as "docker,root".
const Variable = "COMETBENCH_REQUIRE"

// Skip ends the test for want of what, with the reason: as skipped, or as
// failed where [Variable] names what.
func Skip(t testing.TB, what, reason string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv(Variable), ","), what) {
		t.Fatalf("%s is required here (%s=%s): %s", what, Variable, os.Getenv(Variable), reason)
	}
	t.Skipf("needs %s: %s", what, reason)
}

// Command returns the path of the first of the programs that is on this
// machine, and skips for want of what if there is none.
func Command(t testing.TB, what string, programs ...string) string {
	t.Helper()
	for _, p := range programs {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	Skip(t, what, "none of these is on this machine: "+strings.Join(programs, ", "))
	return ""
}

// Root skips unless the test runs as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "root", "the test runs as an ordinary user")
	}
}

// Docker skips unless a Docker engine answers the docker command.
func Docker(t testing.TB) {
	t.Helper()
	docker := Command(t, "docker", "docker")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, docker, "version", "--format", "{{.Server.Version}}").CombinedOutput(); err != nil {
		Skip(t, "docker", "no engine answers: "+strings.TrimSpace(string(out)))
	}
}
