package author

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

var sidecarHeader = []string{"event", "begun_ns", "elapsed_ns", "outcome"}

// WriteSidecar writes the times of every event as gzip-compressed CSV: the
// event's number, when its connection was begun (since the clock started) and
// how long it took, in nanoseconds, and its outcome.
func (r *Report) WriteSidecar(w io.Writer) error {
	compressed := gzip.NewWriter(w)
	out := bufio.NewWriterSize(compressed, 64<<10)
	fmt.Fprintln(out, "event,begun_ns,elapsed_ns,outcome")
	line := make([]byte, 0, 64)
	for i, s := range r.Samples {
		line = strconv.AppendInt(line[:0], int64(i), 10)
		line = append(line, ',')
		line = strconv.AppendInt(line, int64(s.Begun), 10)
		line = append(line, ',')
		line = strconv.AppendInt(line, int64(s.Done-s.Begun), 10)
		line = append(line, ',')
		line = append(append(line, s.Outcome.String()...), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return errors.Join(out.Flush(), compressed.Close())
}

// ReadSidecar reads what WriteSidecar wrote. Its errors name the line.
func ReadSidecar(r io.Reader) ([]Sample, error) {
	compressed, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("event times: %w", err)
	}
	in := csv.NewReader(compressed)
	in.FieldsPerRecord, in.ReuseRecord = len(sidecarHeader), true
	var samples []Sample
	for line := 1; ; line++ {
		record, err := in.Read()
		if errors.Is(err, io.EOF) && line > 1 {
			return samples, nil
		}
		if err != nil {
			return nil, fmt.Errorf("event times: line %d: %w", line, err)
		}
		if line == 1 {
			if !slices.Equal(record, sidecarHeader) {
				return nil, fmt.Errorf("event times: line 1: got %q, want %q", record, sidecarHeader)
			}
			continue
		}
		number, err1 := strconv.Atoi(record[0])
		begun, err2 := strconv.ParseInt(record[1], 10, 64)
		elapsed, err3 := strconv.ParseInt(record[2], 10, 64)
		outcome := slices.Index(outcomes[:], record[3])
		if err := errors.Join(err1, err2, err3); err != nil || outcome < 0 || number != len(samples) || begun < 0 || elapsed < 0 {
			return nil, fmt.Errorf("event times: line %d: got %q, want event %d, two times of zero or more, and an outcome", line, record, len(samples))
		}
		samples = append(samples, Sample{
			Begun: time.Duration(begun), Done: time.Duration(begun + elapsed), Outcome: Outcome(outcome),
		})
	}
}
