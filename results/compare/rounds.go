package compare

import (
	"encoding/csv"
	"io"
	"strconv"

	"cometbench/matrix"
	"cometbench/results/paired"
)

// WriteRounds writes the batches of all rounds that aren't void as CSV, in the
// order of their pairs: the data that a verdict is founded on. What wasn't
// measured is 0.
func (in Input) WriteRounds(w io.Writer) error {
	out := csv.NewWriter(w)
	head := []string{"round", "latency", "conns", "events", "equals", "pair", "side"}
	for _, witness := range paired.Witnesses() {
		head = append(head, string(witness)+"_ns")
	}
	out.Write(head) // errors are kept until the end
	for i, r := range in.Rounds {
		if r.Void != "" {
			continue
		}
		for j, p := range r.Pairs {
			for side, batch := range [...]paired.Batch{Old: p.Old, New: p.New} {
				line := []string{
					strconv.Itoa(i + 1), matrix.FormatLatency(r.Cell.Latency), strconv.Itoa(r.Cell.Conns),
					strconv.Itoa(r.Events), strconv.FormatBool(r.Equals), strconv.Itoa(j + 1), Side(side).String(),
				}
				for _, witness := range paired.Witnesses() {
					line = append(line, strconv.FormatInt(int64(batch[witness]), 10))
				}
				out.Write(line)
			}
		}
	}
	out.Flush()
	return out.Error()
}
