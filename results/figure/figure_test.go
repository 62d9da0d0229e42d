package figure

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cometbench/internal/golden"
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
				p := Point{Broker: b, Latency: l, Conns: n, Rates: results.Rates{Mean: r, Min: r - spread, Max: r + spread/2, Std: spread / 3}}
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
		return p.Conns == 8 && p.Latency == 100*time.Millisecond || p.Latency == 200*time.Millisecond && p.Conns > 64 || p.Conns == 2 && p.Latency == 0
	})
	m := map[string]*Figure{}
	for _, k := range []Axis{Connections, Latency} {
		m["paper-"+string(k)] = &Figure{Axis: k, Role: results.RoleAuthor, Points: paper(t, "comet-1.1.0", results.RoleAuthor), Service: FitService(paperSet(t, "comet-1.1.0"))}
		m["thirteen-"+string(k)] = &Figure{Axis: k, Role: results.RoleSubscriber, Points: all, Service: service(thirteen()...)}
		m["default-"+string(k)] = &Figure{Axis: k, Role: results.RoleAuthor, Points: two, Service: service("comet-3.1.0", "embedded"),
			Ghost: paper(t, "", results.RoleAuthor), GhostName: "the paper's Comet 1.1.0"}
		m["gaps-"+string(k)] = &Figure{Axis: k, Role: results.RoleAuthor, Bars: Std, Points: gaps}
		m["one-"+string(k)] = &Figure{Axis: k, Role: results.RoleBroker, Points: synthetic([]string{"comet@../here <&>"}, d.Latencies[1:], []int{8})}
		m["four-"+string(k)] = &Figure{Axis: k, Role: results.RoleAuthor, Points: synthetic(thirteen()[8:12], p.Latencies, p.Conns),
			Ghost: paper(t, "", results.RoleAuthor), GhostName: "the paper's Comet 1.1.0", Service: service(thirteen()...)}
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
			if err != nil || format != ".pdf" && !bytes.Equal(again.Bytes(), b) {
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
		{Figure{Axis: "pie", Role: results.RoleAuthor, Points: []Point{ok}}, `figure "pie": want connections or latency`},
		{Figure{Axis: Latency, Role: results.RoleAuthor, Bars: "iqr", Points: []Point{ok}}, `error bars "iqr"`},
		{Figure{Axis: Latency, Role: results.RoleAuthor, Points: []Point{nan}}, "cell 0 ms/1c: rates must be finite"},
		{Figure{Axis: Latency, Role: results.RoleAuthor, Points: []Point{{Broker: "b"}}}, "cell b/0 ms/0c: want at least one connection"},
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
