package cometbench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cometbench/internal/require"
)

// stubGH is the command gh as .github/comment uses it. A verdict stands in
// artefact, and COMMENT is that of an earlier comment, if there is one.
const stubGH = `#!/bin/sh
case "$*" in
*/pulls*) echo "$NUMBER" ;;
"run download"*) cp -r "$STUBS/artefact" results ;;
*-X\ PATCH*) echo PATCH; cat body >"$STUBS/patched" ;;
*body=@body*) cat body >"$STUBS/made" ;;
*/comments*) echo "$COMMENT" ;;
esac`

const regression = `{"outcome": "regression", "old": {"name": "main@abc1234"}, "new": {"name": "#7@def5678"}, "rows": [
	{"cell": "latency=0ms/conns=8", "witness": "time", "decides": true, "finding": "open",
		"slowdown": 0.073, "lo": -0.011, "hi": 0.18},
	{"cell": "latency=0ms/conns=32", "witness": "work", "decides": true, "finding": "slower",
		"slowdown": 0.0571, "lo": 0.03, "hi": 0.0842},
	{"cell": "latency=0ms/conns=32", "witness": "delivery", "decides": false, "finding": "open",
		"slowdown": 0.9, "lo": null, "hi": null}
]}`

// TestActionComment: the comment has the verdict in a few lines, takes the place
// of an earlier one, and lets nothing that the artefact says be more than text.
func TestActionComment(t *testing.T) {
	require.Command(t, "jq", "jq")
	golden, err := os.ReadFile("results/compare/testdata/verdict.json")
	if err != nil {
		t.Fatal(err)
	}
	link := "\n[The run](https://example.org/o/r/actions/runs/12) says more.\n"
	for _, tt := range []struct {
		name, json, text string // of the artefact; json is "" where there is none
		comment          string // an earlier one
		want             string
	}{
		{"regression", regression, "a table\n<b>@everybody</b>\n", "",
			"❌ **A regression** · `#7@def5678` against `main@abc1234`\n\n" +
				"Worst: work per event +5.7 % (+3 to +8.4 %) at `latency=0ms/conns=32`\n" + link +
				"\n<details><summary>The table</summary>\n\n    a table\n    <b>@everybody</b>\n\n\n</details>\n"},
		{"as it is written", string(golden), "", "",
			"❌ **A regression** · `comet@?script?_???#1` against `comet-3.0.0`\n\n" +
				"Worst: delivery per event +8.8 % (+1.9 to +13.4 %) at `latency=0ms/conns=8`\n" + link},
		{"replaced", `{"outcome": "identical", "old": {"name": "a"}, "new": {"name": "b"}, "rows": []}`, "", "99",
			"✅ **Identical** · `b` against `a`\n" + link},
		{"nothing", "", "", "", "❔ **Nothing was compared** for commit 0123456\n" + link},
		{"no JSON", "<html>", "", "", "❔ **Nothing was compared** for commit 0123456\n" + link},
		{"foreign text", `{"outcome": "no regression", "new": {"name": ["x"]},
			"old": {"name": "` + "`@all`" + `<img src=x>\n# hi"},
			"rows": [{"cell": "[x](http://evil)", "witness": "time", "decides": true, "slowdown": "1",
				"lo": {}}]}`, "", "",
			"✅ **No regression** · `??x??` against `?@all??img src=x??# hi`\n\n" +
				"Worst: time per event ? % (? to ? %) at `?x??http?//evil?`\n" + link},
		{"a word of its own", `{"outcome": "@all", "rows": []}`, "", "",
			"❔ **Nothing was compared** for commit 0123456\n" + link},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := rehearsal{t: t, dir: t.TempDir()}
			r.write(filepath.Join(r.dir, "gh"), stubGH)
			if tt.json != "" {
				r.write(filepath.Join(r.dir, "artefact", "verdict.json"), tt.json)
				r.write(filepath.Join(r.dir, "artefact", "verdict.txt"), tt.text)
			}
			cmd := exec.CommandContext(t.Context(), "bash", ".github/comment/comment")
			cmd.Env = []string{"PATH=" + r.dir + ":" + os.Getenv("PATH"), "STUBS=" + r.dir, "TMPDIR=" + r.dir,
				"NUMBER=7", "COMMENT=" + tt.comment, "ARTIFACT=cometbench",
				"GITHUB_SERVER_URL=https://example.org", "GH_REPO=o/r", "RUN=12", "HEAD=o:feature", "SHA=0123456789"}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			file := "made"
			if tt.comment != "" {
				file = "patched"
			}
			got, _ := strings.CutPrefix(r.read(file), "<!-- cometbench -->\n")
			if got != tt.want {
				t.Errorf("got comment\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
