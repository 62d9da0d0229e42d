// Package report writes results as one self-contained HTML file: tables, the two
// figures, what is doubtful, and the configuration. It can be read with the
// keyboard, on a phone, on paper, and by screen readers. It has no script, and
// its policy forbids it to load anything.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"time"

	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/figure"
	"cometbench/results/judge"
	"cometbench/results/stat"
)

//go:embed report.tmpl
var text string

// Report is the content of the file.
type Report struct {
	// Title is the heading of the page.
	Title string
	// Set has the results.
	Set *results.Set
	// Judgement compares them with theory, the paper and each other.
	Judgement *judge.Judgement
	// Figures are drawn in this order.
	Figures []figure.Figure
}

// New returns the report of a set of results: both figures of the author's
// throughput, the paper's results behind them if ghost is set.
func New(set *results.Set, ghost bool) (*Report, error) {
	paper, err := judge.Paper()
	if err != nil {
		return nil, err
	}
	r := &Report{
		Title: "Throughput of VOEvent brokers", Set: set,
		Judgement: judge.Judge(set, judge.Options{Paper: paper}),
	}
	for _, axis := range []figure.Axis{figure.Connections, figure.Latency} {
		if n := latencies(set); n == 0 || axis == figure.Latency && n == 1 {
			continue // it would have one place on its axis
		}
		f := figure.Figure{Axis: axis, Role: results.RoleAuthor, Points: figure.FromSet(set, results.RoleAuthor),
			Service: figure.FitService(set)}
		if ghost {
			f.Ghost, f.GhostName = figure.FromSet(paper, results.RoleAuthor), "the paper's Comet 1.1.0"
		}
		r.Figures = append(r.Figures, f)
	}
	return r, nil
}

// latencies returns how many different ones a set has.
func latencies(set *results.Set) int {
	seen := make(map[time.Duration]bool)
	for i := range set.Cells {
		seen[set.Cells[i].Cell.Latency] = true
	}
	return len(seen)
}

// page is the data of the template.
type page struct {
	Title     string
	Source    string
	Config    []results.ConfigLine
	Warnings  []string
	Lost      []string // runs without figures
	Brokers   []broker
	Figures   []drawing
	Open      *broker // the open loops of all brokers, nil where there are none
	Band      string
	Outside   int
	Disturbed int
	Missing   int // cells that lost events
	Limited   int // cells that the author or the machine limited
}

type broker struct {
	ID, Name, Dates, Theory string
	Rows                    []row
	Latencies               []row // of the cells that have any
	Findings                []string
}

type row struct {
	Head     string // what it is of
	Columns  []column
	Doubtful bool
}

// column is a value of a row, with what belongs to it in smaller type.
type column struct{ Head, Text, Small string }

type drawing struct {
	ID, Title, Describe string
	SVG                 template.HTML
}

// Write writes the report.
func (r *Report) Write(w io.Writer) error {
	t, err := template.New("report").Parse(text)
	if err != nil {
		return err
	}
	p := page{
		Title: r.Title, Source: r.Set.Source, Config: r.Set.Config, Warnings: r.Set.Warnings, Lost: r.Judgement.Lost(),
		Band: fmt.Sprintf("%g %%", 100*r.Judgement.Band), Outside: len(r.Judgement.Outside()),
		Disturbed: len(r.Judgement.Disturbed()),
	}
	for i, b := range r.Judgement.Brokers {
		p.Brokers = append(p.Brokers, newBroker(i, b))
		for _, c := range b.Cells {
			if c.Missing != 0 {
				p.Missing++
			}
			if c.Bottleneck.Doubtful() {
				p.Limited++
			}
		}
	}
	if len(r.Set.Open) > 0 {
		p.Open = new(broker)
		for i := range r.Set.Open {
			p.Open.Rows = append(p.Open.Rows, openRow(&r.Set.Open[i]))
			p.Open.Findings = append(p.Open.Findings, openFindings(&r.Set.Open[i])...)
		}
	}
	for i := range r.Figures {
		f := &r.Figures[i]
		var svg bytes.Buffer
		if err := f.Write(&svg, ".svg"); err != nil {
			return err
		}
		p.Figures = append(p.Figures, drawing{
			ID: "figure-" + string(f.Axis), Title: "Throughput against " + string(f.Axis),
			Describe: f.Describe(), SVG: inline(svg.String(), i),
		})
	}
	return t.Execute(w, p)
}

// inline takes a figure's drawing out of its file. Names in it are made
// different from those of other figures on the page.
func inline(svg string, number int) template.HTML {
	if i := strings.Index(svg, "<svg"); i > 0 {
		svg = svg[i:]
	}
	prefix := fmt.Sprintf("f%d-", number)
	svg = strings.NewReplacer(`id="`, `id="`+prefix, `url(#`, `url(#`+prefix, `href="#`, `href="#`+prefix).Replace(svg)
	return template.HTML(svg) // drawn by us, with all names escaped
}

func newBroker(i int, b judge.BrokerJudgement) broker {
	name := b.Name
	if name == "" {
		name = "unnamed broker"
	}
	out := broker{ID: fmt.Sprintf("broker-%d", i+1), Name: name, Dates: b.Dates(), Theory: theory(b.Theory)}
	for _, c := range b.Cells {
		out.Rows = append(out.Rows, newRow(c))
		if c.Latencies != nil {
			out.Latencies = append(out.Latencies, newLatencies(c.CellRuns))
		}
		cell := fmt.Sprintf("%s, %d connections: ", latency(c.Cell.Latency), c.Cell.Conns)
		for _, finding := range c.Findings {
			out.Findings = append(out.Findings, cell+finding)
		}
	}
	return out
}

func theory(t judge.Theory) string {
	s := fmt.Sprintf("Fitted service time t: %.3g ms.", t.Service.Seconds()*1e3)
	if t.Saturation > 0 {
		s += fmt.Sprintf(" Saturation at %s events/s.", number(t.Saturation))
	}
	return s + fmt.Sprintf(" Fastest: %s events/s at %s and %d connections.", number(t.Peak), latency(t.At.Latency),
		t.At.Conns)
}

func newRow(c judge.CellJudgement) row {
	const none = "–"
	runs, rtt, median, author := none, none, column{Head: "Author, median", Text: none}, c.Rates[results.RoleAuthor]
	if n := len(c.Runs); n > 0 {
		runs = fmt.Sprint(n)
		m := stat.MedianInterval(c.Values(results.RoleAuthor))
		median.Text = number(m.Value)
		if !math.IsInf(m.Lo, 0) && !math.IsInf(m.Hi, 0) {
			median.Small = number(m.Lo) + " to " + number(m.Hi)
		}
	}
	if c.RTT() > 0 {
		rtt = fmt.Sprintf("%.4g ms", c.RTT().Seconds()*1e3)
	}
	mean := column{Head: "Author, mean", Text: number(author.Mean)}
	if author.Mean > 0 && author.Max > author.Min {
		mean.Small = number(author.Min) + " to " + number(author.Max)
	}
	doubtful := c.Outside || c.Disturbed || c.Missing != 0 || c.Bottleneck.Doubtful()
	return row{Head: latency(c.Cell.Latency), Doubtful: doubtful,
		Columns: []column{
			{"Connections", fmt.Sprint(c.Cell.Conns), ""},
			{"RTT", rtt, ""},
			{"Runs", runs, ""},
			median,
			mean,
			{"Broker", number(c.Rates[results.RoleBroker].Mean), ""},
			{"Subscriber", number(c.Rates[results.RoleSubscriber].Mean), ""},
			{"Missing", fmt.Sprint(c.Missing), ""},
			{"Theory", number(c.Theory), ""},
			{"Paper", number(c.Paper), ""},
			{"Bound by", c.Regime.String(), string(c.Bottleneck.Kind())},
		}}
}

func latency(d time.Duration) string {
	return strings.TrimSuffix(matrix.FormatLatency(d), "ms") + " ms"
}

// number writes a rate, or a dash where there is none.
func number(v float64) string {
	if v <= 0 {
		return "–"
	}
	return stat.FormatRate(v)
}
