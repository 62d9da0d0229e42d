package author

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// WriteTimes writes the times of every event as gzip-compressed CSV: the
// event's number, when its connection was begun (since the clock started) and
// how long it took, in nanoseconds, and its outcome.
func (r *Report) WriteTimes(w io.Writer) error {
	compressed := gzip.NewWriter(w)
	out := bufio.NewWriterSize(compressed, 64<<10)
	fmt.Fprintln(out, "event,begun_ns,elapsed_ns,outcome")
	line := make([]byte, 0, 64)
	for i, s := range r.Results {
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
