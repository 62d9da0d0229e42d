package report

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
	"cometbench/results"
	"cometbench/results/judge"
)

// paperPage returns the report of the paper's results.
func paperPage(t *testing.T) string {
	t.Helper()
	set, err := judge.Paper()
	if err != nil {
		t.Fatal(err)
	}
	for i := range set.Cells {
		set.Cells[i].Cell.Broker = "comet-1.1.0 <&>"
	}
	set.Source = "paper <script>alert(1)</script>"
	set.Warnings = []string{"a stale database & more"}
	set.Config = []results.ConfigLine{{Key: "kernel", Value: "linux"}}
	r, err := New(set, true)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReport(t *testing.T) {
	html := paperPage(t)
	for _, want := range []string{
		"<title>Throughput of VOEvent brokers</title>", `http-equiv="Content-Security-Policy"`, `name="viewport"`,
		"a stale database &amp; more", "comet-1.1.0 &lt;&amp;&gt;", "<dt>kernel</dt><dd>linux</dd>", `<caption>`, `scope="row"`,
		"500 ms", "519.2", "-10000",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if n := strings.Count(html, "<svg"); n != 2 {
		t.Errorf("%d figures, want 2", n)
	}
	for _, never := range []string{"<script", "javascript:", "<link", "@import"} {
		if strings.Contains(html, never) {
			t.Errorf("the report holds %q", never)
		}
	}
	// Nothing is loaded; the names of XML's vocabularies aren't.
	for _, url := range regexp.MustCompile(`(?:src|href)="(https?:)?//[^"]*"|url\(['"]?http`).FindAllString(html, -1) {
		t.Errorf("the report loads %s", url)
	}
	seen := make(map[string]bool)
	for _, m := range regexp.MustCompile(`\sid="([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if seen[m[1]] {
			t.Errorf("two elements have the id %s", m[1])
		}
		seen[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if !seen[m[1]] {
			t.Errorf("a link leads to #%s, which isn't there", m[1])
		}
	}
}

// TestBrowser renders the report in a real browser, as wide as a phone and as
// a desktop: nothing may stick out of the page, and nothing may be refused by
// its policy.
func TestBrowser(t *testing.T) {
	chromium := require.Command(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	dir := t.TempDir()
	// The page measures itself in a frame, from a page without its policy.
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, []byte(paperPage(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, width := range []string{"360", "1200"} {
		frame := `<!DOCTYPE html><body style="margin:0"><iframe id=f src="report.html" style="border:0;width:` + width + `px;height:800px"></iframe><pre id=out></pre><script>
f.onload = () => {
	const d = f.contentDocument, e = d.documentElement;
	const focusable = [...d.querySelectorAll('a[href],[tabindex="0"],summary')];
	out.textContent = 'WIDTH ' + e.clientWidth + ' CONTENT ' + e.scrollWidth + ' FOCUSABLE ' + focusable.length + ' ROWS ' + d.querySelectorAll('tbody tr').length + ' END';
};
</script>`
		harness := filepath.Join(dir, "frame"+width+".html")
		if err := os.WriteFile(harness, []byte(frame), 0o644); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
			"--allow-file-access-from-files", "--user-data-dir="+filepath.Join(dir, "profile"+width), "--virtual-time-budget=10000",
			"--enable-logging=stderr", "--dump-dom", "file://"+harness)
		cmd.WaitDelay = 5 * time.Second
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		m := regexp.MustCompile(`WIDTH (\d+) CONTENT (\d+) FOCUSABLE (\d+) ROWS (\d+) END`).FindStringSubmatch(stdout.String())
		if m == nil {
			t.Fatalf("%s px: the page wasn't measured: %.500s %.2000s", width, stdout.String(), stderr.String())
		}
		if m[1] != m[2] {
			t.Errorf("%s px: the page is %s px wide, its content %s", width, m[1], m[2])
		}
		if m[4] != "60" || m[3] == "0" {
			t.Errorf("%s px: %s rows and %s elements that take the focus", width, m[4], m[3])
		}
		for line := range strings.Lines(stderr.String()) {
			if strings.Contains(line, "CONSOLE") {
				t.Errorf("%s px: the browser complains: %s", width, line)
			}
		}
	}
}
