package cometbench

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cometbench/results/campaign"
)

// TestShard: three shards of four cells make the plan's runs, each once; a tree
// takes no other shard's.
func TestShard(t *testing.T) {
	t.Chdir(t.TempDir()) // a commit in this folder meanwhile would make it another program
	trees := t.TempDir()
	var all, dirs []string
	for shard := 1; shard <= 3; shard++ {
		dir := filepath.Join(trees, fmt.Sprint(shard))
		part := fmt.Sprintf("-shard=%d/3", shard)
		stdout, stderr, code := benchmark(t, kept(dir, 2, part, "-conns=1,2,3,4")...)
		made := runs(t, dir)
		note := fmt.Sprintf("# shard: %d/3, %d of 4 cells\n", shard, len(made)/2)
		if code != 0 || stderr != "" || records(stdout) != len(made) || !strings.Contains(stdout, note) {
			t.Errorf("%s: exit code %d, want %d records and %q:\n%s%s", part, code, len(made), note, stdout, stderr)
		}
		all, dirs = append(all, made...), append(dirs, dir)
	}
	slices.Sort(all)
	merged, err := campaign.Merge(t.Context(), filepath.Join(trees, "all"), dirs...)
	if err != nil || merged.Runs != len(all) || len(merged.Missing) > 0 ||
		!slices.Equal(runs(t, filepath.Join(trees, "all")), all) {
		t.Errorf("merged: %+v, %v", merged, err)
	}
	var want []string
	for conns := 1; conns <= 4; conns++ {
		for n := 1; n <= 2; n++ {
			want = append(want, fmt.Sprintf("embedded/0ms/%dc/run%d", conns, n))
		}
	}
	if !slices.Equal(all, want) {
		t.Errorf("got %s, want %s", all, want)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-shard=2/3", "-resume"}, "is shard 1, not 2"},
		{[]string{"-shard=1/3", "-resume", "-events=30"}, "is of another plan: flags: "},
		{[]string{"-shard=1/3"}, "go on with it by -resume"},
	} {
		args := kept(filepath.Join(trees, "1"), 2, append([]string{"-conns=1,2,3,4"}, tt.args...)...)
		if stdout, _, code := benchmark(t, args...); code != 1 || !strings.Contains(stdout, tt.want) {
			t.Errorf("%q: exit code %d, want %q:\n%s", tt.args, code, tt.want, stdout)
		}
	}
}
