package journey

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histograms hold latencies from a microsecond to an hour, in nanoseconds, with
// three significant digits: a percentile is right within 0.1 %.
const (
	leastLatency   = time.Microsecond
	longestLatency = time.Hour
	digits         = 3
)

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(leastLatency), int64(longestLatency), digits)
}

// Histogram returns the latencies to a stage, nil where they aren't known. Those
// beyond an hour are counted as an hour.
func (j *Journeys) Histogram(s Stage) (*hdrhistogram.Histogram, error) {
	times := j.latencies(s)
	if len(times) == 0 {
		return nil, nil
	}
	h := newHistogram()
	for _, t := range times {
		if err := h.RecordValue(int64(min(t, longestLatency))); err != nil {
			return nil, fmt.Errorf("%s latency %v: %w", s, t, err)
		}
	}
	return h, nil
}

// WriteLog writes the latencies to all stages as a log of HDR histograms, in the
// V2 log format: one interval, the author's time, for each stage, which is its tag.
// Values are nanoseconds.
func (j *Journeys) WriteLog(w io.Writer) error {
	log := hdrhistogram.NewHistogramLogWriter(w)
	end := j.Started
	for i := range j.Events {
		if at := j.Started.Add(j.Events[i].Done); at.After(end) {
			end = at
		}
	}
	if err := errors.Join(
		log.OutputComment("[Latencies of cometbench: nanoseconds from an event's start to its ack, "+
			"to the broker's database (broker), to the subscriber's (delivery)]"),
		log.OutputLogFormatVersion(), log.OutputStartTime(j.Started.UnixMilli()), log.OutputLegend(),
	); err != nil {
		return err
	}
	for _, s := range Stages() {
		h, err := j.Histogram(s)
		if err != nil {
			return err
		}
		if h == nil {
			continue
		}
		h.SetTag(s.String())
		h.SetStartTimeMs(j.Started.UnixMilli())
		h.SetEndTimeMs(end.UnixMilli())
		if err := log.OutputIntervalHistogram(h); err != nil {
			return err
		}
	}
	return nil
}

// ReadLog reads a log of histograms, as [Journeys.WriteLog] writes it, and returns
// the sum of those of a stage. None is an error.
func ReadLog(r io.Reader, stage Stage) (*hdrhistogram.Histogram, error) {
	log := hdrhistogram.NewHistogramLogReader(r)
	sum, found := newHistogram(), false
	for {
		h, err := log.NextIntervalHistogram()
		switch {
		case err != nil:
			return nil, fmt.Errorf("histograms: %w", err)
		case h == nil && !found:
			return nil, fmt.Errorf("histograms: got none with Tag=%s", stage)
		case h == nil:
			return sum, nil
		case h.Tag() != stage.String():
			continue
		}
		found = true
		if dropped := sum.Merge(h); dropped > 0 {
			return nil, fmt.Errorf("histograms: %d values of %s are beyond %v", dropped, stage, longestLatency)
		}
	}
}
