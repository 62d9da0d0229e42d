package author

import (
	"bufio"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"

	"cometbench/vtp"
)

// WriteTimes writes the times of every event as gzip-compressed CSV: the
// event's number, when its connection was begun (since the clock started) and
// how long it took, in nanoseconds, its outcome, whether it was connected (1 or
// 0), the SHA-1 of its bytes, by which event databases name it, and when its answer
// arrived, since the clock started; in the open loop also when it was due, since
// the clock started.
func (r *Report) WriteTimes(w io.Writer) error {
	// The sums can't be compressed, and the run waits for all else.
	compressed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(compressed, 64<<10)
	header := "event,begun_ns,elapsed_ns,outcome,connected,sha1,answered_ns"
	if r.open {
		header += ",planned_ns"
	}
	fmt.Fprintln(out, header)
	var line, frame []byte
	for i, s := range r.Results {
		line = strconv.AppendInt(line[:0], int64(i), 10)
		line = append(line, ',')
		line = strconv.AppendInt(line, int64(s.Begun), 10)
		line = append(line, ',')
		line = strconv.AppendInt(line, int64(s.Done-s.Begun), 10)
		line = append(line, ',')
		line = append(append(line, s.Outcome.String()...), ',')
		connected := int64(0)
		if s.Connected {
			connected = 1
		}
		line = append(strconv.AppendInt(line, connected, 10), ',')
		frame = r.events.frame(frame, i)
		sum := sha1.Sum(frame[vtp.HeaderSize:])
		line = append(hex.AppendEncode(line, sum[:]), ',')
		line = strconv.AppendInt(line, int64(s.Answered), 10)
		if r.open {
			line = strconv.AppendInt(append(line, ','), int64(s.Planned), 10)
		}
		line = append(line, '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return errors.Join(out.Flush(), compressed.Close())
}
