package figure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cometbench/internal/golden"
	"cometbench/internal/require"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/judge"
)

func paperSet(t testing.TB, broker string) *results.Set {
	t.Helper()
	set, err := judge.Paper()
	if err != nil {
		t.Fatal(err)
	}
	for i := range set.Cells {
		set.Cells[i].Cell.Broker = broker
	}
	return set
}

// paper returns the published results.
func paper(t testing.TB, broker string, role results.Role) []Point {
	t.Helper()
	return FromSet(paperSet(t, broker), role)
}

// synthetic returns results of n brokers as theory has them, each somewhat
// faster than the one before, with a saturation and some noise that isn't
// random.
func synthetic(brokers []string, latencies []time.Duration, conns []int) []Point {
	var points []Point
	for i, b := range brokers {
		plateau := 420 + 60*float64(i)
		if b == "embedded" {
			plateau = 11800
		}
		for _, l := range latencies {
			for _, n := range conns {
				c := matrix.Cell{Conns: n}
				r := min(c.TheoreticalRate(l, time.Second*2/time.Duration(plateau)), plateau*(1-float64(n)/4000))
				spread := r * (0.01 + float64((n*7+i*3)%5)/60)
				p := Point{Broker: b, Latency: l, Conns: n,
					Rates: results.Rates{Mean: r, Min: r - spread, Max: r + spread/2, Std: spread / 3}}
				if n == 512 && i%3 == 0 {
					p.Missing = 12
				}
				points = append(points, p)
			}
		}
	}
	return points
}

func thirteen() []string {
	return []string{"comet-1.0.1", "comet-1.0.2", "comet-1.0.4", "comet-1.1.0", "comet-1.1.2", "comet-1.2.0",
		"comet-1.2.2", "comet-2.0.0", "comet-2.0.1", "comet-3.0.0", "comet-3.1.0", "comet-3.1.0+python3.13", "embedded"}
}

func service(brokers ...string) map[string]time.Duration {
	m := map[string]time.Duration{}
	for i, b := range brokers {
		m[b] = 4*time.Millisecond - time.Duration(i)*200*time.Microsecond
	}
	return m
}

// without leaves out cells of a result.
func without(points []Point, drop func(Point) bool) []Point {
	var list []Point
	for _, p := range points {
		if !drop(p) {
			list = append(list, p)
		}
	}
	return list
}

func figures(t testing.TB) map[string]*Figure {
	p := matrix.Paper()
	d := matrix.Default()
	two := synthetic([]string{"comet-3.1.0", "embedded"}, d.Latencies, d.Conns)
	all := synthetic(thirteen(), p.Latencies, p.Conns)
	gaps := without(paper(t, "comet-1.1.0", results.RoleAuthor), func(p Point) bool {
		return p.Conns == 8 && p.Latency == 100*time.Millisecond ||
			p.Conns > 64 && p.Latency == 200*time.Millisecond ||
			p.Conns == 2 && p.Latency == 0
	})
	m := map[string]*Figure{}
	for _, k := range []Axis{Connections, Latency} {
		m["paper-"+string(k)] = &Figure{Axis: k, Role: results.RoleAuthor,
			Points: paper(t, "comet-1.1.0", results.RoleAuthor), Service: FitService(paperSet(t, "comet-1.1.0"))}
		m["thirteen-"+string(k)] = &Figure{Axis: k, Role: results.RoleSubscriber, Points: all,
			Service: service(thirteen()...)}
		m["default-"+string(k)] = &Figure{Axis: k, Role: results.RoleAuthor, Points: two,
			Service: service("comet-3.1.0", "embedded"),
			Ghost:   paper(t, "", results.RoleAuthor), GhostName: "the paper's Comet 1.1.0"}
		m["gaps-"+string(k)] = &Figure{Axis: k, Role: results.RoleAuthor, Bars: Std, Points: gaps}
		m["one-"+string(k)] = &Figure{Axis: k, Role: results.RoleBroker,
			Points: synthetic([]string{"comet@../here <&>"}, d.Latencies[1:], []int{8})}
		m["four-"+string(k)] = &Figure{Axis: k, Role: results.RoleAuthor,
			Points: synthetic(thirteen()[8:12], p.Latencies, p.Conns),
			Ghost:  paper(t, "", results.RoleAuthor), GhostName: "the paper's Comet 1.1.0",
			Service: service(thirteen()...)}
	}
	return m
}

func TestGolden(t *testing.T) {
	for name, f := range figures(t) {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := f.Write(&b, ".svg"); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, name+".svg", b.Bytes())
		})
	}
}

func TestFormats(t *testing.T) {
	f := figures(t)["default-connections"]
	magic := map[string]string{".svg": "<?xml", ".png": "\x89PNG\r\n", ".pdf": "%PDF-"}
	for _, format := range Formats() {
		t.Run(format, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "figure"+strings.ToUpper(format))
			if err := f.WriteFile(file); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(b), magic[format]) || len(b) < 5000 {
				t.Errorf("%d bytes beginning %q", len(b), b[:8])
			}
			var again bytes.Buffer
			err = f.Write(&again, format)
			if err != nil || !bytes.Equal(again.Bytes(), b) {
				t.Errorf("drawn again it differs (%v)", err)
			}
			if format == ".png" {
				im, err := png.Decode(bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				if got := im.Bounds().Dx(); got != 600*dpi/72 {
					t.Errorf("%d pixels wide", got)
				}
			}
		})
	}
}

// A set's lines are whole, whatever numbers of connections another set has.
func TestDifferentPlaces(t *testing.T) {
	conns := []int{1, 2, 4, 8, 16, 32}
	f := Figure{Axis: Connections, Points: append(
		synthetic([]string{"a"}, []time.Duration{0}, conns),
		synthetic([]string{"b"}, []time.Duration{0}, []int{3, 8, 24})...)}
	gap := without(synthetic([]string{"c"}, []time.Duration{0, time.Millisecond}, conns),
		func(p Point) bool { return p.Latency > 0 && p.Conns == 8 })
	f.Points = append(f.Points, gap...)
	var got []int
	for _, pan := range f.panels() {
		for _, l := range pan.lines {
			got = append(got, len(measured{axis: f.Axis, line: l, places: pan.places(f.Axis)}.parts()))
		}
	}
	if want := []int{1, 1, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("lines of a, b, c, and c with a gap have %v parts, want %v", got, want)
	}
}

// Each point tells what it is, for a mouse over it.
func TestTips(t *testing.T) {
	f := Figure{Axis: Connections, Points: []Point{
		{Broker: "a<b", Conns: 8, Latency: 10 * time.Millisecond,
			Rates: results.Rates{Mean: 379, Min: 370, Max: 385.5}, Missing: 2},
		{Broker: "a<b", Conns: 64, Latency: 10 * time.Millisecond,
			Rates:      results.Rates{Mean: 2000, Min: 2000, Max: 2000},
			Bottleneck: results.MachineSaturated + ": by others"},
	}}
	var b strings.Builder
	if err := f.Write(&b, ".svg"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"<title>a&lt;b/10 ms/8c: 379.0 events/s (370.0 to 385.5), 2 events missing</title>",
		"<title>a&lt;b/10 ms/64c: 2000 events/s, machine saturated: by others</title>",
		"limited by the author or the machine", // in the legend
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in the figure", want)
		}
	}
}

// The text of a PDF can be read and searched, and its title is bold.
func TestPDFText(t *testing.T) {
	pdftotext, pdffonts := require.Command(t, "poppler", "pdftotext"), require.Command(t, "poppler", "pdffonts")
	file := filepath.Join(t.TempDir(), "figure.pdf")
	f := figures(t)["paper-connections"]
	f.Title = "Comet – 10 µs ± 3 °C, \u201cΩ\u201d"
	if err := f.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), pdftotext, file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{f.Title, "theory n / (2·L + t)", "Throughput, author (events/s)", "512",
		"t = 3.52 ms"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("pdftotext finds no %q in\n%s", want, text)
		}
	}
	fonts, err := exec.CommandContext(t.Context(), pdffonts, file).Output()
	if err != nil || !regexp.MustCompile(`(?m)^\S*liberationsansB .* yes `).Match(fonts) {
		t.Errorf("pdffonts: %v, no embedded bold face in\n%s", err, fonts)
	}
}

// Where there is but DejaVu, whose letters are wider, text keeps the place that
// it was laid out for.
func TestOtherTypeface(t *testing.T) {
	chromium := require.Command(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	const dejavu = "/usr/share/fonts/truetype/dejavu"
	if _, err := os.Stat(dejavu); err != nil {
		require.Missing(t, "dejavu", err.Error())
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "fonts.conf")
	text := `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>` + dejavu +
		`</dir><cachedir>` + dir + `/cache</cachedir></fontconfig>`
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	page.WriteString("<!DOCTYPE html><body>")
	for _, name := range []string{"thirteen-connections", "default-latency"} {
		if err := figures(t)[name].Write(&page, ".svg"); err != nil {
			t.Fatal(err)
		}
	}
	page.WriteString(`<pre id=out></pre><script>
let wide = 0, all = 0, plain = document.createElementNS('http://www.w3.org/2000/svg', 'text');
for (const e of document.querySelectorAll('svg text')) {
	all++;
	if (Math.abs(e.getBBox().width - e.getAttribute('textLength')) > 0.02 * e.getAttribute('textLength') + 0.5) wide++;
	plain.textContent = e.textContent;
}
const first = document.querySelector('svg text');
plain.setAttribute('style', first.getAttribute('style')), plain.textContent = first.textContent;
first.parentNode.append(plain);
out.textContent = 'TEXTS ' + all + ' WIDE ' + wide +
	' RATIO ' + (plain.getBBox().width / first.getAttribute('textLength')).toFixed(2) + ' END';
</script>`)
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, []byte(page.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--dump-dom", "file://"+file)
	c.Env = append(os.Environ(), "FONTCONFIG_FILE="+config)
	c.WaitDelay = 5 * time.Second
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all, wide int
	var ratio float64
	found := regexp.MustCompile(`TEXTS \d+ WIDE \d+ RATIO [0-9.]+ END`).Find(out)
	if n, err := fmt.Sscanf(string(found), "TEXTS %d WIDE %d RATIO %f", &all, &wide, &ratio); n != 3 {
		t.Fatalf("the page wasn't measured (%v): %.500s", err, out)
	}
	if ratio < 1.05 {
		t.Errorf("the browser's typeface is %v times as wide as Liberation Sans, want another, wider one", ratio)
	}
	if all < 100 || wide > 0 {
		t.Errorf("%d of %d texts don't have the width that they were laid out for", wide, all)
	}
}

func TestErrors(t *testing.T) {
	ok := Point{Conns: 1, Rates: results.Rates{Mean: 1}}
	nan := ok
	nan.Max /= 0 * ok.Std
	var many []Point
	for i := range maxPanels + 1 {
		many = append(many, Point{Broker: fmt.Sprint(i), Conns: 1, Rates: results.Rates{Mean: 1}})
	}
	for _, test := range []struct {
		f    Figure
		want string
	}{
		{Figure{Axis: Connections, Role: results.RoleAuthor}, "nothing to draw"},
		{Figure{Axis: "pie", Role: results.RoleAuthor, Points: []Point{ok}},
			`figure "pie": want connections, latency or brokers`},
		{Figure{Axis: Latency, Role: results.RoleAuthor, Bars: "iqr", Points: []Point{ok}}, `error bars "iqr"`},
		{Figure{Axis: Latency, Role: results.RoleAuthor, Points: []Point{nan}}, "cell 0 ms/1c: rates must be finite"},
		{Figure{Axis: Latency, Role: results.RoleAuthor, Points: []Point{{Broker: "b"}}},
			"cell b/0 ms/0c: want at least one connection"},
		{Figure{Axis: Latency, Role: results.RoleAuthor, Points: many}, "31 brokers: one figure holds at most 30"},
	} {
		err := test.f.Write(new(bytes.Buffer), ".svg")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	if !errors.Is((&Figure{Axis: Connections, Role: results.RoleAuthor}).Write(nil, ".svg"), ErrEmpty) {
		t.Error("no points: want ErrEmpty")
	}
}
