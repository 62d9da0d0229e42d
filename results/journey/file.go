package journey

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// columns of a file of journeys. The author writes the first ones, "planned_ns"
// only where it had a plan; [Journeys.Write] those of the databases. Readers go by
// the names.
const (
	columnEvent     = "event"
	columnBegun     = "begun_ns"
	columnElapsed   = "elapsed_ns"
	columnOutcome   = "outcome"
	columnConnected = "connected"
	columnSHA1      = "sha1"
	columnAnswered  = "answered_ns"
	columnPlanned   = "planned_ns"
	columnBroker    = "broker_ns"
	columnDelivery  = "subscriber_ns"
)

// Read reads a file of journeys: gzip-compressed CSV (RFC 1952, RFC 4180), as the
// author and [Journeys.Write] write it, and the files of earlier versions, which
// have fewer columns. Started is when the author's clock started.
func Read(r io.Reader, started time.Time) (*Journeys, error) {
	text, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, fmt.Errorf("journeys: %w", err)
	}
	rows := csv.NewReader(text)
	rows.ReuseRecord = true
	names, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("journeys: %w", err)
	}
	at := make(map[string]int)
	for i, name := range names {
		at[name] = i
	}
	for _, name := range []string{columnEvent, columnBegun, columnElapsed, columnOutcome} {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("journeys: got the columns %.200q, want %s among them", names, name)
		}
	}
	j := &Journeys{Started: started}
	_, j.planned = at[columnPlanned]
	_, j.joined[Broker].known = at[columnBroker]
	_, j.joined[Delivery].known = at[columnDelivery]
	p := parser{at: at, outcomes: make(map[string]string)}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return j, nil
		}
		if err != nil {
			return nil, fmt.Errorf("journeys: %w", err)
		}
		e := p.event(row)
		if p.err == nil && p.number != len(j.Events) {
			p.err = fmt.Errorf("got event %d, want %d", p.number, len(j.Events))
		}
		if p.err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("journeys: line %d: %w", line, p.err)
		}
		j.Events = append(j.Events, e)
	}
}

// parser reads rows, up to the first error.
type parser struct {
	at       map[string]int
	outcomes map[string]string // each once, apart from the text of the row
	number   int
	err      error
}

func (p *parser) event(row []string) Event {
	e := Event{Begun: p.time(row, columnBegun)}
	p.number = int(p.time(row, columnEvent))
	e.Done = e.Begun + p.time(row, columnElapsed)
	e.Start, e.Answered = e.Begun, e.Done
	if _, ok := p.at[columnPlanned]; ok {
		e.Start = p.time(row, columnPlanned)
	}
	if _, ok := p.at[columnAnswered]; ok {
		e.Answered = p.time(row, columnAnswered)
	}
	name := row[p.at[columnOutcome]]
	if _, ok := p.outcomes[name]; !ok {
		if strings.ContainsAny(name, "\",\r\n") && p.err == nil {
			p.err = fmt.Errorf("%s: got %.60q, want words", columnOutcome, name)
		}
		name = string([]byte(name))
		p.outcomes[name] = name
	}
	e.Outcome = p.outcomes[name]
	if i, ok := p.at[columnConnected]; ok {
		e.Connected = row[i] == "1"
	} else { // earlier versions didn't say: those that were answered were
		e.Connected = e.Outcome == acked || e.Outcome == nakked
	}
	if i, ok := p.at[columnSHA1]; ok {
		if n, err := hex.Decode(e.Key[:], fit(row[i], 2*len(e.Key))); (err != nil || n != len(e.Key)) && p.err == nil {
			p.err = fmt.Errorf("%s: got %.60q, want 40 hexadecimal digits", columnSHA1, row[i])
		}
	}
	e.stored[Broker], e.stored[Delivery] = p.stored(row, columnBroker), p.stored(row, columnDelivery)
	return e
}

// fit returns text as bytes, none if it hasn't the length.
func fit(text string, length int) []byte {
	if len(text) != length {
		return nil
	}
	return []byte(text)
}

func (p *parser) time(row []string, column string) time.Duration {
	ns, err := strconv.ParseInt(row[p.at[column]], 10, 64)
	if (err != nil || ns < -longest || ns > longest) && p.err == nil {
		p.err = fmt.Errorf("%s: got %.60q, want nanoseconds", column, row[p.at[column]])
	}
	return time.Duration(ns)
}

// longest is a time, in nanoseconds, that no sum here overflows with: 36 years.
const longest = 1 << 60

// stored reads the time of a database, which is empty where an event isn't in it.
func (p *parser) stored(row []string, column string) time.Duration {
	if i, ok := p.at[column]; !ok || row[i] == "" {
		return never
	}
	return p.time(row, column)
}

// Write writes the journeys as gzip-compressed CSV. Times are nanoseconds since
// the author's clock started, but elapsed_ns, which is since begun_ns; those of a
// database are empty where the event isn't in it, and left out where it wasn't
// read.
func (j *Journeys) Write(w io.Writer) error {
	compressed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(compressed, 64<<10)
	fmt.Fprint(out, columnEvent, ",", columnBegun, ",", columnElapsed, ",", columnOutcome, ",", columnConnected, ",",
		columnSHA1, ",", columnAnswered)
	for _, column := range []struct {
		name  string
		there bool
	}{{columnPlanned, j.planned}, {columnBroker, j.joined[Broker].known}, {columnDelivery, j.joined[Delivery].known}} {
		if column.there {
			fmt.Fprint(out, ",", column.name)
		}
	}
	fmt.Fprintln(out)
	var line []byte
	for i := range j.Events {
		line = j.appendRow(line[:0], i)
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return errors.Join(out.Flush(), compressed.Close())
}

func (j *Journeys) appendRow(line []byte, i int) []byte {
	e := &j.Events[i]
	number := func(n int64) { line = append(strconv.AppendInt(line, n, 10), ',') }
	number(int64(i))
	number(int64(e.Begun))
	number(int64(e.Done - e.Begun))
	line = append(append(line, e.Outcome...), ',')
	if e.Connected {
		number(1)
	} else {
		number(0)
	}
	line = append(hex.AppendEncode(line, e.Key[:]), ',')
	line = strconv.AppendInt(line, int64(e.Answered), 10)
	time := func(t time.Duration) {
		if line = append(line, ','); t != never {
			line = strconv.AppendInt(line, int64(t), 10)
		}
	}
	if j.planned {
		time(e.Start)
	}
	for _, s := range []Stage{Broker, Delivery} {
		if j.joined[s].known {
			time(e.stored[s])
		}
	}
	return line
}
