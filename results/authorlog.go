package results

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"time"
)

// logTail is how much of an author's log is read, from its end: what the
// original experiment's reader took.
const logTail = 1000

// authorLog is what an author's log says in its last two lines.
type authorLog struct {
	elapsed              time.Duration
	seconds              float64 // the same, as written
	queued, sent, failed int     // sent: sent and acked
}

// events returns how many events the author was given.
func (l authorLog) events() int { return l.queued + l.sent + l.failed }

// readAuthorLog reads the end of an author's log, ours or the original's.
func readAuthorLog(name string) (authorLog, error) {
	f, err := os.Open(name)
	if err != nil {
		return authorLog{}, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return authorLog{}, err
	}
	tail := make([]byte, min(size, logTail))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return authorLog{}, err
	}
	return parseAuthorLog(tail)
}

var (
	logTime   = regexp.MustCompile(`(?:^|\s)Total reactor running time: ([0-9]+(?:\.[0-9]+)?)s$`)
	logCounts = regexp.MustCompile(`(?:^|\s)([0-9]+)/([0-9]+)/([0-9]+) messages queued/sent/failed$`)
)

// parseAuthorLog reads the last two lines of tail.
func parseAuthorLog(tail []byte) (authorLog, error) {
	lines := bytes.Split(bytes.TrimRight(tail, "\r\n"), []byte("\n"))
	if len(lines) < 2 {
		return authorLog{}, errors.New("the log ends early: want the running time and the counts in its last two lines")
	}
	text := bytes.TrimRight(lines[len(lines)-2], "\r")
	m := logTime.FindSubmatch(text)
	if m == nil {
		return authorLog{}, fmt.Errorf("last line but one %q: want Total reactor running time: SECONDSs", text)
	}
	var l authorLog
	var err error
	if l.seconds, err = strconv.ParseFloat(string(m[1]), 64); err != nil || l.seconds > 1e9 {
		return authorLog{}, fmt.Errorf("running time %q: want seconds", m[1])
	}
	l.elapsed = time.Duration(math.Round(l.seconds * 1e9))
	text = lines[len(lines)-1]
	if m = logCounts.FindSubmatch(text); m == nil {
		return authorLog{}, fmt.Errorf("last line %q: want QUEUED/SENT/FAILED messages queued/sent/failed", text)
	}
	for i, n := range []*int{&l.queued, &l.sent, &l.failed} {
		if *n, err = strconv.Atoi(string(m[1+i])); err != nil || *n > 1e9 {
			return authorLog{}, fmt.Errorf("last line %q: %s is too many", text, m[1+i])
		}
	}
	return l, nil
}
