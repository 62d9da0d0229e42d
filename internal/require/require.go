// Package require lets a test say what it requires of the machine. Where that
// is missing, the test is skipped with the reason. Where the environment
// variable COMETBENCH_REQUIRE names it, the test fails instead: a machine that
// is meant to have everything, such as CI's, can't pass by skipping.
package require

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
// comma-separated list of requirements, such as "docker,root".
const Variable = "COMETBENCH_REQUIRE"

// Missing ends the test because the requirement what isn't met, for the given
// reason. The test is skipped, or fails where [Variable] names what.
func Missing(t testing.TB, what, reason string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv(Variable), ","), what) {
		t.Fatalf("%s is required here (%s=%s): %s", what, Variable, os.Getenv(Variable), reason)
	}
	t.Skipf("needs %s: %s", what, reason)
}

// Command returns the path of the first of the programs that this machine
// has. Without any of them the requirement what isn't met.
func Command(t testing.TB, what string, programs ...string) string {
	t.Helper()
	for _, p := range programs {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	Missing(t, what, "none of these is on this machine: "+strings.Join(programs, ", "))
	return ""
}

// Root requires that the test runs as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root", "the test runs as an ordinary user")
	}
}

// Docker requires a Docker engine that answers the docker command.
func Docker(t testing.TB) {
	t.Helper()
	docker := Command(t, "docker", "docker")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	version := exec.CommandContext(ctx, docker, "version", "--format", "{{.Server.Version}}")
	if out, err := version.CombinedOutput(); err != nil {
		Missing(t, "docker", "no engine answers: "+strings.TrimSpace(string(out)))
	}
}
