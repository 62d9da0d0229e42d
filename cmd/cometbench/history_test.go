package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// compared makes the folder of a comparison, in which the new broker takes 25 %
// more time at one connection, and half of the time at 16, and returns it.
func compared(t *testing.T, old, new string) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`{"schema": 2, "old": {"name": %q}, "new": {"name": %q}, "rows": [
		{"cell": "latency=0ms/conns=1", "witness": "time", "slowdown": 0.25, "lo": 0, "hi": 1},
		{"cell": "latency=0ms/conns=16", "witness": "time", "slowdown": -0.5, "lo": -0.6, "hi": -0.2},
		{"cell": "latency=0ms/conns=16", "witness": "delivery", "slowdown": 0.1, "lo": null, "hi": null}]}`, old, new)
	if err := os.WriteFile(filepath.Join(dir, "verdict.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestHistory(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "history.svg")
	stdout, stderr, code := call(t, "", "history", "-o", svg, compared(t, "comet-3.1.0", "comet-2.0.1"),
		compared(t, "comet-3.1.0", "comet-1.1.0"))
	want := `% of comet-3.1.0  latency=0ms/conns=1     latency=0ms/conns=16
comet-2.0.1       80.0 (50.0 to 100.0)    200.0 (125.0 to 250.0)
comet-1.1.0       80.0 (50.0 to 100.0)    200.0 (125.0 to 250.0)
comet-3.1.0       100.0 (100.0 to 100.0)  100.0 (100.0 to 100.0)
`
	if code != 0 || stderr != "" || stdout != want {
		t.Errorf("exit code %d, got\n%s%s\nwant\n%s", code, stdout, stderr, want)
	}
	text, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for _, want := range []string{">2.0.1<", ">1.1.0<", ">3.1.0<"} { // from left to right
		at := strings.Index(string(text), want)
		if at < last {
			t.Errorf("%s isn't in the figure, or in another order", want)
		}
		last = at
	}
}

func TestHistoryRefuses(t *testing.T) {
	dir := compared(t, "comet-3.1.0", "comet-2.0.1")
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no folder", nil, "want folders of comparisons"},
		{"ending", []string{"-o", "history.gif", dir}, "unknown ending"},
		{"witness", []string{"-witness=size", dir}, "want time, delivery or work"},
		{"no comparison", []string{t.TempDir()}, "verdict.json"},
		{"another partner", []string{dir, compared(t, "comet-3.0.0", "comet-1.1.0")},
			"its OLD is comet-3.0.0, that of the comparisons before is comet-3.1.0"},
		{"twice", []string{dir, compared(t, "comet-3.1.0", "comet-2.0.1")}, "comet-2.0.1 was in a comparison before"},
		{"no interval", []string{"-witness=delivery", dir}, "too few rounds"},
		{"not measured", []string{"-witness=work", dir}, "no work of comet-2.0.1 was measured"},
	} {
		out := filepath.Join(t.TempDir(), "history.svg")
		_, stderr, code := call(t, "", append([]string{"history", "-o", out}, tt.args...)...)
		if code == 0 || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit code %d, %q; want %q", tt.name, code, stderr, tt.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: a figure is left", tt.name)
		}
	}
}
