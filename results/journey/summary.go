package journey

import (
	"strings"
	"time"
)

// Summary is what a run's record has of its journeys.
type Summary struct {
	// Started is when the author's clock started: times in the file of journeys
	// are since then.
	Started time.Time `json:"author_started"`
	// Ack, Broker and Delivery are the latencies to each stage, nil where one
	// isn't known.
	Ack      *Latency `json:"ack,omitempty"`
	Broker   *Latency `json:"broker,omitempty"`
	Delivery *Latency `json:"delivery,omitempty"`
	// Losses are how many events were lost, by the name of their loss.
	Losses Losses `json:"losses,omitempty"`
	// Blocks tell, in words, of events that were lost in a row.
	Blocks []string `json:"blocks,omitempty"`
}

// Summary sums the journeys up. Cause returns the cause of a block of losses, in
// words, "" where nothing tells of it.
func (j *Journeys) Summary(cause func(Block) string) *Summary {
	s := &Summary{
		Started: j.Started, Ack: j.Latency(Ack), Broker: j.Latency(Broker), Delivery: j.Latency(Delivery),
		Losses: j.Losses(),
	}
	for _, b := range j.Blocks() {
		text := b.String()
		if why := cause(b); why != "" {
			text += ": " + why
		}
		s.Blocks = append(s.Blocks, text)
	}
	return s
}

// Of returns the latency to a stage, nil where it isn't known.
func (s *Summary) Of(stage Stage) *Latency {
	return [...]*Latency{Ack: s.Ack, Broker: s.Broker, Delivery: s.Delivery}[stage]
}

// Warnings says in words what was lost.
func (s *Summary) Warnings() []string {
	var texts []string
	if len(s.Losses) > 0 {
		texts = append(texts, "events went astray: "+s.Losses.String())
	}
	if len(s.Blocks) > 0 {
		texts = append(texts, strings.Join(s.Blocks, "; "))
	}
	return texts
}
