package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"cometbench/internal/command"
	"cometbench/matrix"
	"cometbench/results"
	"cometbench/results/compare"
	"cometbench/results/figure"
	"cometbench/results/paired"
)

// history is what several comparisons with the same broker say.
type history struct {
	witness paired.Witness
	figure  figure.Figure
	cells   []string
	speeds  map[string]map[string]results.Rates // by broker and cell, in percent of the partner's
}

// runHistory draws how brokers fare that were compared with the same one.
func runHistory(_ context.Context, std command.Streams, args []string) error {
	h := &history{
		figure: figure.Figure{Axis: figure.Brokers, Bars: figure.Interval, Role: results.RoleAuthor},
		speeds: make(map[string]map[string]results.Rates),
	}
	fs := flag.NewFlagSet("history", flag.ContinueOnError)
	command.Describe(fs, `usage: cometbench history [flags] DIR...

Shows brokers, such as all releases or the last commits, that were each compared
with one and the same broker: their speeds in percent of its speed, with the
intervals of the comparisons, as a table and as a figure with one line per number
of connections. Each DIR is what one comparison wrote:

    cometbench compare -o DIR comet-3.1.0 comet-1.1.0

OLD is the same in all of them. Brokers stand in the order of the DIRs.`)
	fs.StringVar((*string)(&h.witness), "witness", string(paired.Time),
		"what is shown: `witness` time, delivery or work")
	fs.StringVar(&h.figure.Title, "title", "", "`text` above the figure")
	out := fs.String("o", "history.svg", "write to this `file`, ending in .svg, .png or .pdf")
	if err := command.ParseFlags(fs, std, args, true); err != nil {
		return err
	}
	if _, err := figure.FormatOf(*out); err != nil {
		return command.UsageErrorf("history: %w", err)
	}
	if !slices.Contains(paired.Witnesses(), h.witness) {
		return command.UsageErrorf("history: -witness %q: want time, delivery or work", h.witness)
	}
	if h.witness == paired.Work {
		h.figure.Quantity = "Events per second of the broker's CPU time"
	}
	if fs.NArg() == 0 {
		return command.UsageErrorf("history: want folders of comparisons")
	}
	for _, dir := range fs.Args() {
		if err := h.read(filepath.Join(dir, "verdict.json")); err != nil {
			return fmt.Errorf("history: %w", err)
		}
	}
	h.addPartner()
	if err := h.figure.WriteFile(*out); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return h.write(std)
}

// read adds a comparison.
func (h *history) read(path string) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	d, err := compare.ReadDocument(file)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	switch {
	case h.figure.Partner == "":
		h.figure.Partner = d.Old.Name
	case h.figure.Partner != d.Old.Name:
		return fmt.Errorf("%s: its OLD is %s, that of the comparisons before is %s: want one and the same",
			path, d.Old.Name, h.figure.Partner)
	}
	if h.speeds[d.New.Name] != nil {
		return fmt.Errorf("%s: %s was in a comparison before: want one of each broker", path, d.New.Name)
	}
	h.speeds[d.New.Name] = make(map[string]results.Rates)
	h.figure.Order = append(h.figure.Order, d.New.Name)
	for _, row := range d.Rows {
		if row.Witness != h.witness {
			continue
		}
		if row.Lo == nil || row.Hi == nil {
			return fmt.Errorf("%s: %s has too few rounds for an interval", path, row.Cell)
		}
		// What takes longer is slower.
		speed := results.Rates{Mean: 100 / (1 + row.Slowdown), Min: 100 / (1 + *row.Hi), Max: 100 / (1 + *row.Lo)}
		if err := h.add(d.New.Name, row.Cell, speed); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if len(h.speeds[d.New.Name]) == 0 {
		return fmt.Errorf("%s: no %s of %s was measured", path, h.witness, d.New.Name)
	}
	return nil
}

// add adds the speed of a broker in a cell.
func (h *history) add(broker, name string, speed results.Rates) error {
	cell, err := matrix.ParseName("broker=" + broker + "/" + name)
	if err != nil {
		return err
	}
	if !slices.Contains(h.cells, name) {
		h.cells = append(h.cells, name)
	}
	h.speeds[broker][name] = speed
	h.figure.Points = append(h.figure.Points, figure.Point{
		Broker: broker, Latency: cell.Latency, Conns: cell.Conns, Rates: speed,
	})
	return nil
}

// addPartner adds the broker that all were compared with: it is as fast as itself.
// It stands last, unless it was compared with itself.
func (h *history) addPartner() {
	partner := h.figure.Partner
	if h.speeds[partner] != nil {
		return
	}
	h.figure.Order = append(h.figure.Order, partner)
	h.speeds[partner] = make(map[string]results.Rates)
	for _, cell := range h.cells {
		// The name was read before.
		_ = h.add(partner, cell, results.Rates{Mean: 100, Min: 100, Max: 100})
	}
}

// write prints the table.
func (h *history) write(std command.Streams) error {
	w := tabwriter.NewWriter(std.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%% of %s", h.figure.Partner)
	for _, cell := range h.cells {
		fmt.Fprintf(w, "\t%s", cell)
	}
	fmt.Fprintln(w)
	for _, broker := range h.figure.Order {
		fmt.Fprint(w, broker)
		for _, cell := range h.cells {
			text := "–"
			if s, ok := h.speeds[broker][cell]; ok {
				text = fmt.Sprintf("%.1f (%.1f to %.1f)", s.Mean, s.Min, s.Max)
			}
			fmt.Fprintf(w, "\t%s", text)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
