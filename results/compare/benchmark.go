package compare

import (
	"io"
	"strings"

	"cometbench/results"
)

// WriteBenchmark writes the runs of one side as the benchmark prints them. The
// broker isn't part of the names, so that benchstat compares two sides by
// their files. The configuration is that of all runs, since benchstat would
// put what differs in it into different tables.
func (in Input) WriteBenchmark(w io.Writer, s Side) error {
	if err := results.WriteUnits(w); err != nil {
		return err
	}
	if err := results.WriteConfig(w, in.Config()); err != nil {
		return err
	}
	for _, t := range in.Attempts {
		if t.Side != s || t.Run == nil || t.Round == 0 {
			continue
		}
		line := strings.Replace(results.Record(t.Run), t.Run.Cell.String(), cellName(t.Cell), 1)
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// Config returns the configuration of all runs, and what was compared.
func (in Input) Config() []results.ConfigLine {
	var runs []*results.Run
	for _, t := range in.Attempts {
		if t.Run != nil && t.Round > 0 && t.Side != Anchor {
			runs = append(runs, t.Run)
		}
	}
	return append([]results.ConfigLine{{Key: "old", Value: in.Old}, {Key: "new", Value: in.New}},
		results.Configs(runs)...)
}
