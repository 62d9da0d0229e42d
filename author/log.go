package author

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"time"
)

// LogFile and TimesFile are the usual names of what WriteLog and WriteTimes
// write.
const (
	LogFile   = "author.log"
	TimesFile = "events.csv.gz"
)

// WriteLog writes the report as the original experiment's author logged: a
// text whose last two lines are how long it took, and how many events were left
// in the queue, were sent, and have failed. Its reader looks for them in the last
// 1,000 bytes of a file that is longer than that.
func (r *Report) WriteLog(w io.Writer) error {
	out := bufio.NewWriter(w)
	line := func(at time.Duration, format string, args ...any) {
		stamp := r.Started.Add(at).UTC().Format("2006-01-02 15:04:05-0700")
		fmt.Fprintf(out, "%s [-] %s\n", stamp, fmt.Sprintf(format, args...))
	}
	line(0, "Log opened.")
	line(0, "cometbench author: %d events", r.Sent)
	done := make([]time.Duration, len(r.Results))
	for i, s := range r.Results {
		done[i] = s.Done
	}
	slices.Sort(done)
	const steps = 20
	for i := 1; i <= steps && len(done) > 0; i++ {
		n := max(1, len(done)*i/steps)
		line(done[n-1], "%d of %d events done after %.6fs", n, len(done), done[n-1].Seconds())
	}
	failed := 0
	for kind, n := range r.Failures {
		if kind != Nakked.String() { // a nak is an answer to what was sent
			failed += n
		}
	}
	line(r.Elapsed, "Main loop terminated.")
	line(r.Elapsed, "Total reactor running time: %.6fs", r.Elapsed.Seconds())
	line(r.Elapsed, "%d/%d/%d messages queued/sent/failed", 0, r.Sent-failed, failed)
	return out.Flush()
}
