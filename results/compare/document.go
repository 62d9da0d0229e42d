package compare

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"cometbench/results/paired"
)

// Schema is the version of what WriteJSON writes; docs/compare.md describes it.
const Schema = 2

// Document is a verdict for programs, as verdict.json holds it.
type Document struct {
	Schema  int              `json:"schema"`
	Outcome Outcome          `json:"outcome"`
	Reasons []string         `json:"reasons"`
	Old     Subject          `json:"old"`
	New     Subject          `json:"new"`
	Alpha   float64          `json:"alpha"`
	Rounds  int              `json:"rounds"`
	Equals  int              `json:"equals"`
	Seconds float64          `json:"seconds"`
	Rows    []DocumentRow    `json:"rows"`
	Asides  []Aside          `json:"asides"`
	Losses  []Loss           `json:"losses"`
	Broken  []DocumentBroken `json:"broken"`
	Void    []string         `json:"void"`
	// Started is when the first round began. Config and Levels are for
	// comparisons with what is stored here: the configuration by key, and what
	// each side took in each round.
	Started time.Time         `json:"started,omitzero"`
	Config  map[string]string `json:"config,omitempty"`
	Levels  []Level           `json:"levels,omitempty"`
}

// Level is what a side took in the rounds of a cell, by one witness.
type Level struct {
	Side    string         `json:"side"` // "old" or "new"
	Cell    string         `json:"cell"`
	Witness paired.Witness `json:"witness"`
	// Seconds are of an event, one value for each round.
	Seconds []float64 `json:"seconds"`
}

// DocumentRow is one witness in one cell. Slowdowns are fractions: 0.05 is 5 %
// more time or work per event.
type DocumentRow struct {
	Cell     string         `json:"cell"`
	Witness  paired.Witness `json:"witness"`
	Decides  bool           `json:"decides"`
	Finding  paired.Finding `json:"finding"`
	Slowdown float64        `json:"slowdown"`
	// Lo and Hi are the ends of the interval, nil while there are too few
	// rounds.
	Lo     *float64  `json:"lo"`
	Hi     *float64  `json:"hi"`
	Effect float64   `json:"effect"`
	Limit  float64   `json:"limit"`
	Biased bool      `json:"biased"`
	Rounds []float64 `json:"rounds"`
	Equals []float64 `json:"equals"`
}

// DocumentBroken is a side that couldn't be run.
type DocumentBroken struct {
	Side string `json:"side"`
	Cell string `json:"cell"`
	Why  string `json:"why"`
}

// Document returns the verdict for programs.
func (v *Verdict) Document() *Document {
	d := &Document{
		Schema: Schema, Outcome: v.Outcome, Reasons: list(v.Reasons), Old: v.Old, New: v.New,
		Alpha: v.Rules.Alpha, Rounds: v.Rounds, Equals: v.Equals, Seconds: v.Took.Seconds(),
		Rows: []DocumentRow{}, Asides: list(v.Asides), Losses: list(v.Losses),
		Broken: []DocumentBroken{}, Void: list(v.Void),
		Started: v.Started, Levels: v.Levels,
	}
	for _, c := range v.Config {
		if d.Config == nil {
			d.Config = make(map[string]string)
		}
		d.Config[c.Key] = c.Value
	}
	for _, r := range v.Rows {
		row := DocumentRow{
			Cell: r.Cell, Witness: r.Witness, Decides: r.Decides, Finding: r.Finding, Slowdown: r.Interval.Center,
			Effect: r.Effect, Limit: r.Limit, Biased: r.Biased,
			Rounds: slowdowns(r.Values), Equals: slowdowns(r.Equals),
		}
		if r.Interval.Known() {
			row.Lo, row.Hi = &r.Interval.Lo, &r.Interval.Hi
		}
		d.Rows = append(d.Rows, row)
	}
	for _, b := range v.Broken {
		d.Broken = append(d.Broken, DocumentBroken{b.Side.String(), b.Cell, b.Why})
	}
	return d
}

// list returns an empty list for none: programs want no null.
func list[T any](s []T) []T { return append([]T{}, s...) }

// WriteJSON writes the verdict for programs.
func (v *Verdict) WriteJSON(w io.Writer) error {
	data, err := json.MarshalIndent(v.Document(), "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// ReadDocument reads what WriteJSON wrote. One of another schema is refused.
func ReadDocument(r io.Reader) (*Document, error) {
	d := new(Document)
	if err := json.NewDecoder(r).Decode(d); err != nil {
		return nil, fmt.Errorf("no verdict of cometbench compare: %w", err)
	}
	if d.Schema != Schema {
		return nil, fmt.Errorf("a verdict of schema %d: want %d, which this cometbench writes", d.Schema, Schema)
	}
	if d.Old.Name == "" || d.New.Name == "" {
		return nil, errors.New("no verdict of cometbench compare: it names no brokers")
	}
	return d, nil
}
