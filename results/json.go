package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"cometbench/matrix"
	"cometbench/results/journey"
)

// summary is one cell in JSON, as the paper has it.
type summary struct {
	Author     *Rates `json:"author"`
	Broker     *Rates `json:"broker"`
	Subscriber *Rates `json:"subscriber"`
	Missing    *int   `json:"missing"`
	// Bottleneck is what limited the cell; the paper's JSON has none.
	Bottleneck Bottleneck `json:"bottleneck,omitempty"`
	// What the paper has no figures of.
	Latencies map[string]float64 `json:"latency,omitempty"`
	Losses    journey.Losses     `json:"losses,omitempty"`
}

// WriteJSON writes the summary of the set as the paper publishes its own:
// latency in milliseconds → connections → author, broker, subscriber (min, max,
// mean, std; events per second), and missing; and beside these, where they are
// known, latencies in seconds and losses. With more than one broker, or with
// outer, there is a level of broker names around it. Keys are in numerical
// order.
func (s *Set) WriteJSON(w io.Writer, outer bool) error {
	brokers := s.Brokers()
	var b bytes.Buffer
	if outer = outer || len(brokers) > 1; !outer {
		broker := ""
		if len(brokers) == 1 {
			broker = brokers[0]
		}
		if err := s.writeBroker(&b, broker, ""); err != nil {
			return err
		}
	} else {
		b.WriteString("{")
		for i, broker := range brokers {
			key, err := json.Marshal(broker)
			if err != nil {
				return fmt.Errorf("broker %q: %w", broker, err)
			}
			fmt.Fprintf(&b, "%s\n    %s: ", comma(i), key)
			if err := s.writeBroker(&b, broker, "    "); err != nil {
				return err
			}
		}
		b.WriteString("\n}")
	}
	b.WriteString("\n")
	_, err := w.Write(b.Bytes())
	return err
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// writeBroker writes the two levels of one broker. The cells are in order, so
// that a latency's are together.
func (s *Set) writeBroker(b *bytes.Buffer, broker, indent string) error {
	b.WriteString("{")
	latencies, conns := 0, 0
	var latency time.Duration
	for i := range s.Cells {
		m := &s.Cells[i]
		if m.Cell.Series() != broker {
			continue
		}
		if latencies == 0 || m.Cell.Latency != latency {
			if latencies > 0 {
				fmt.Fprintf(b, "\n%s    }", indent)
			}
			latency, conns = m.Cell.Latency, 0
			fmt.Fprintf(b, "%s\n%s    %q: {", comma(latencies), indent, formatMillis(latency))
			latencies++
		}
		text, err := json.MarshalIndent(summary{&m.Rates[RoleAuthor], &m.Rates[RoleBroker], &m.Rates[RoleSubscriber],
			&m.Missing, m.Bottleneck, m.Latencies, m.Losses},
			indent+"        ", "    ")
		if err != nil {
			return fmt.Errorf("%s: %w", m.Cell, err)
		}
		fmt.Fprintf(b, "%s\n%s        \"%d\": %s", comma(conns), indent, m.Cell.Conns, text)
		conns++
	}
	if latencies > 0 {
		fmt.Fprintf(b, "\n%s    }\n%s", indent, indent)
	}
	b.WriteString("}")
	return nil
}

// formatMillis writes a latency as the paper's JSON does: milliseconds, bare.
func formatMillis(d time.Duration) string {
	text := matrix.FormatLatency(d)
	return text[:len(text)-len("ms")]
}

// readJSON reads what WriteJSON writes, and the paper's own.
func readJSON(r io.Reader, name string, o Options) (*Set, error) {
	dec := json.NewDecoder(r)
	set := &Set{Source: name}
	err := object(dec, func(key string) error {
		if _, err := matrix.ParseLatency(key + "ms"); err != nil {
			return readLatencies(dec, set, key)
		}
		return readConns(dec, set, o.Broker, key)
	})
	if err == nil {
		if _, e := dec.Token(); !errors.Is(e, io.EOF) {
			err = errors.New("more text follows the object")
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%s: offset %d: %w", name, dec.InputOffset(), err)
	}
	if len(set.Cells) == 0 {
		return nil, fmt.Errorf("%s: no cells: want latency → connections → author, broker, subscriber, missing",
			name)
	}
	set.sort()
	return set, nil
}

// object reads a JSON object and calls field with each key, in order; field
// reads the value.
func object(dec *json.Decoder, field func(key string) error) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("want an object, not %v", t)
	}
	seen := make(map[string]bool)
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		key := t.(string) // the decoder accepts nothing else here
		if seen[key] {
			return fmt.Errorf("%q: given twice", key)
		}
		seen[key] = true
		if err := field(key); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

func readLatencies(dec *json.Decoder, set *Set, broker string) error {
	return object(dec, func(key string) error { return readConns(dec, set, broker, key) })
}

func readConns(dec *json.Decoder, set *Set, broker, latency string) error {
	l, err := matrix.ParseLatency(latency + "ms")
	if err != nil {
		return fmt.Errorf("%q: want a latency in milliseconds", latency)
	}
	return object(dec, func(key string) error {
		conns, err := strconv.Atoi(key)
		if err != nil || conns < 1 {
			return fmt.Errorf("%q: want a number of connections", key)
		}
		cell := matrix.ParseSeries(broker)
		cell.Latency, cell.Conns = l, conns
		var s summary
		if err := dec.Decode(&s); err != nil {
			return fmt.Errorf("%s: %w", cell, err)
		}
		if s.Author == nil || s.Broker == nil || s.Subscriber == nil || s.Missing == nil {
			return fmt.Errorf("%s: want author, broker, subscriber and missing", cell)
		}
		m := CellRuns{Cell: cell, Rates: [3]Rates{*s.Author, *s.Broker, *s.Subscriber}, Missing: *s.Missing,
			Bottleneck: s.Bottleneck, Latencies: s.Latencies, Losses: s.Losses}
		if m.Missing < 0 {
			m.Warnings = append(m.Warnings, fmt.Sprintf(
				"missing is %d: a database held more entries than events were sent (a stale database), so the rates "+
					"of broker and subscriber mean nothing", m.Missing))
		}
		set.Cells = append(set.Cells, m)
		return nil
	})
}
