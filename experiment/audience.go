package experiment

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"cometbench/author"
	"cometbench/embedded"
	"cometbench/internal/agent"
	"cometbench/results"
	"cometbench/results/journey"
	"cometbench/testbed"
)

// audienceRole is the one of all subscribers but the first.
const audienceRole = "audience"

// startAudience starts them, and waits until all are connected.
func (x *Experiment) startAudience(ctx context.Context) (err error) {
	further := x.cell.Further
	if further == 0 {
		return nil
	}
	x.audience, err = x.backend.Start(ctx, testbed.Role{
		Name:    audienceRole,
		Command: []string{"audience", "-remote", x.broadcast, "-subscribers", strconv.Itoa(further)},
	})
	if err != nil {
		return err
	}
	attached, err := told[agent.Attached](ctx, audienceRole, x.audience)
	if err == nil && attached.Subscribers != further {
		err = fmt.Errorf("%d subscribers are connected, want %d", attached.Subscribers, further)
	}
	return err
}

// looks is how often it is looked whether a probe has arrived, until the next is
// sent: an audience tells nothing before it has had its rest.
func (x *Experiment) looks() int {
	if x.audience != nil {
		return int(2 * embedded.AudienceRest / poll)
	}
	return 2
}

// deliveries returns what the audience has got, as it said last.
func (x *Experiment) deliveries(ctx context.Context) (*embedded.Deliveries, error) {
	dir := x.folder(audienceRole)
	if err := refresh(ctx, x.audience, dir); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, agent.DeliveriesFile))
	if err != nil {
		return nil, err
	}
	return embedded.ReadDeliveries(text)
}

// audienceHas reports whether an event has reached all of the audience.
func (x *Experiment) audienceHas(ctx context.Context, key string) bool {
	if x.audience == nil {
		return true
	}
	d, err := x.deliveries(ctx)
	if err != nil {
		return false // caught while it was written, or before: look again
	}
	var sum [sha1.Size]byte
	_, err = hex.Decode(sum[:], []byte(key))
	return err == nil && d.Events[sum].Count == d.Subscribers
}

// awaitAudience waits until the audience has got every event that the first subscriber
// may have, or nothing more arrives for the settling time.
func (x *Experiment) awaitAudience(ctx context.Context) error {
	if x.audience == nil {
		return nil
	}
	most := 0
	for grown := time.Now(); ; {
		d, err := x.deliveries(ctx)
		if errors.Is(err, testbed.ErrFull) {
			return err
		}
		if err == nil {
			x.delivered = d
			whole, all := 0, 0
			for _, e := range d.Events {
				if e.Author != author.DefaultFrom {
					continue
				}
				all += e.Count
				if e.Count == d.Subscribers {
					whole++
				}
			}
			if whole >= x.acked {
				return nil
			}
			if all > most {
				most, grown = all, time.Now()
			}
		}
		if time.Since(grown) > settling {
			return err
		}
		if waited := pause(ctx, poll); waited != nil {
			return errors.Join(waited, err)
		}
	}
}

// fanOut tells how the run's events reached all subscribers, nil where there is
// one only. The first subscriber counts by the times in its database.
func (x *Experiment) fanOut(j *journey.Journeys) *results.FanOut {
	d := x.delivered
	if d == nil {
		return nil
	}
	f := &results.FanOut{Reconnected: d.Again}
	var last, spread []time.Duration
	for i := range j.Events {
		e := &j.Events[i]
		got := d.Events[e.Key]
		at, delivered := e.At(journey.Delivery)
		missing := d.Subscribers - got.Count
		if !delivered {
			missing++
		}
		if missing > 0 {
			f.MissingAtAny++
			f.MissingInAll += missing
			continue
		}
		from, to := min(at, got.First.Sub(j.Started)), max(at, got.Last.Sub(j.Started))
		last = append(last, max(0, to-e.Start))
		spread = append(spread, to-from)
	}
	if len(j.Doubts()) == 0 {
		resolution := x.resolution(x.run.Subscriber)
		f.Last, f.Spread = journey.NewLatency(last, resolution), journey.NewLatency(spread, resolution)
	}
	if busy := x.audienceBusy(j.Started); busy > audienceLimit {
		x.warn("the light subscribers computed for %.0f %% of the time: how long events took to the last of them "+
			"shows their limit, not the broker's", 100*busy)
	}
	if f.MissingAtAny > 0 {
		x.warn("%d events didn't reach all subscribers: %d deliveries are missing", f.MissingAtAny, f.MissingInAll)
	}
	if f.Reconnected > 0 {
		x.warn("subscribers lost their connections %d times", f.Reconnected)
	}
	return f
}

// audienceLimit is how much of a processor all light subscribers together may take
// until their figures show them.
const audienceLimit = 0.7

// audienceBusy returns how much of one processor they took from the author's start until
// the last event had arrived.
func (x *Experiment) audienceBusy(started time.Time) float64 {
	var last time.Time
	for _, e := range x.delivered.Events {
		if e.Last.After(last) {
			last = e.Last
		}
	}
	if took := last.Sub(started); took > 0 {
		return x.run.Usage.Audience.Seconds() / took.Seconds()
	}
	return 0
}
