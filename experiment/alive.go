package experiment

import (
	"fmt"
	"strings"
	"time"

	"cometbench/matrix"
)

const (
	// aliveCheck is how often a Comet of any release looks whether its subscribers
	// live. One that has ten events unacked at that instant is dropped, however
	// fast it acks (IAMALIVE_INTERVAL and MAX_OUTSTANDING_ACK of Comet's
	// protocol/broadcaster.py); it comes back after a second.
	aliveCheck = time.Minute
	// cometRate is about how many events a Comet takes in a second at most.
	cometRate = 1000
)

// aliveNote says which cells of Comets last so long that they meet the check, ""
// if none does.
func (s *Series) aliveNote(cells []matrix.Cell) string {
	var long []string
	for _, c := range cells {
		least := max(c.Expected(), time.Duration(c.Events)*time.Second/cometRate)
		if sub := s.subjects[c.Broker]; sub != nil && sub.IsComet() && least > aliveCheck {
			long = append(long, c.Dir())
		}
	}
	if len(long) == 0 {
		return ""
	}
	const named = 3
	text := fmt.Sprintf("%d of %d cells take more than %v, and meet Comet's alive check: a subscriber with ten "+
		"events unacked at that instant is dropped, and loses events until it is back: %s", len(long),
		len(cells), aliveCheck, strings.Join(long[:min(named, len(long))], ", "))
	if len(long) > named {
		text += ", …"
	}
	return text
}

// warnOfAliveCheck warns of several batches that lost events and may have met the
// check. Of a run in one batch, its journeys tell.
func (x *Experiment) warnOfAliveCheck() {
	if x.subject.IsComet() && x.run.Journeys == nil && time.Since(x.run.Started) > aliveCheck {
		x.warn("the broker ran for %v: every %v a Comet drops a subscriber that has ten events unacked at that "+
			"instant", time.Since(x.run.Started).Round(time.Second), aliveCheck)
	}
}
