package report

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cometbench/internal/require"
	"cometbench/matrix"
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
		"a stale database &amp; more", "comet-1.1.0 &lt;&amp;&gt;", "<dt>kernel</dt><dd>linux</dd>", `<caption>`,
		`scope="row"`,
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

// What makes figures doubtful is in the report, and the instrument is blamed only
// where no run warned.
func TestDoubts(t *testing.T) {
	began := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	cell := func(latency time.Duration, conns int, rates ...float64) results.CellRuns {
		m := results.CellRuns{Cell: matrix.Cell{Broker: "b", Latency: latency, Conns: conns, Events: 10000}}
		for i, r := range rates {
			m.Runs = append(m.Runs, results.RunFigures{Name: fmt.Sprint("run", i+1), Number: i + 1, Started: began,
				RTT: latency, Rates: [3]float64{r, r, r}})
		}
		m.Rates[results.RoleAuthor] = results.Summarize(rates)
		return m
	}
	slow := cell(100*time.Millisecond, 8, 20, 39, 38, 39.5, 39, 10)
	for _, i := range []int{0, 5} {
		slow.Runs[i].Warnings = []string{"the machine was too busy"}
	}
	set := &results.Set{
		Cells:   []results.CellRuns{cell(0, 1, 1000), cell(0, 8, 2000), cell(0, 64, 1950), slow},
		Void:    []results.VoidRun{{Name: "b/0ms/8c/void1", Started: began, Why: "the broker died"}},
		LeftOut: []string{"b/0ms/8c/run3/author.log: the log ends early"},
	}
	set.Cells[1].Bottleneck = results.BrokerBound + ": 0.99 of a processor"
	set.Cells[2].Bottleneck = results.MachineSaturated + ": by others"
	page := func() string {
		r, err := New(set, false)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := r.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	const fault = "The instrument is at fault."
	html := page()
	for _, want := range []string{
		"because of runs that warn: 1.", "b/0ms/8c/void1: the run of 2026-11-25 09:00 UTC is void: the broker died",
		"the log ends early", "Measured 2026-11-25 09:00 UTC.",
		"warning of 2 of 6 runs (run1, run6): the machine was too busy",
		"8 connections: bottleneck: broker CPU-bound: 0.99 of a processor",
		"the author or the machine limited: 1.", "<small>machine saturated</small>",
		`data-name="RTT">100 ms<`, `data-name="Author, median">38.5<small>10.0 to 39.5</small>`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if strings.Contains(html, fault) {
		t.Errorf("the report says %q of runs that warn", fault)
	}
	for i := range slow.Runs {
		slow.Runs[i].Warnings = nil
	}
	if !strings.Contains(page(), fault) {
		t.Errorf("the report lacks %q, though no run warns", fault)
	}
}

// TestBrowser renders the report in a real browser, as wide as a phone, a
// tablet and a laptop: nothing may stick out of the page, and nothing may be refused by
// its policy.
func TestBrowser(t *testing.T) {
	chromium := require.Command(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	dir := t.TempDir()
	// The page measures itself in a frame, from a page without its policy.
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, []byte(paperPage(t)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, width := range []string{"360", "1000", "1200"} {
		frame := `<!DOCTYPE html><body style="margin:0"><iframe id=f src="report.html" 
	style="border:0;width:` + width + `px;height:800px"></iframe><pre id=out></pre><script>
f.onload = () => {
	const d = f.contentDocument, e = d.documentElement;
	const focusable = [...d.querySelectorAll('a[href],[tabindex="0"],summary')];
	out.textContent = 'WIDTH ' + e.clientWidth + ' CONTENT ' + e.scrollWidth + ' FOCUSABLE ' +
		focusable.length + ' ROWS ' + d.querySelectorAll('tbody tr').length + ' END';
};
</script>`
		harness := filepath.Join(dir, "frame"+width+".html")
		if err := os.WriteFile(harness, []byte(frame), 0o644); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
			"--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync",
			"--disable-dev-shm-usage",
			"--allow-file-access-from-files", "--user-data-dir="+filepath.Join(dir, "profile"+width),
			"--virtual-time-budget=10000",
			"--enable-logging=stderr", "--dump-dom", "file://"+harness)
		cmd.WaitDelay = 5 * time.Second
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		measured := regexp.MustCompile(`WIDTH (\d+) CONTENT (\d+) FOCUSABLE (\d+) ROWS (\d+) END`)
		m := measured.FindStringSubmatch(stdout.String())
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
