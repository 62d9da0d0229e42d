package experiment

import (
	"fmt"
	"time"

	"cometbench/netem"
	"cometbench/results"
)

// Neighbours is what others did with the machine's processors while a round's
// batches were under way, as shares of the processors' time.
type Neighbours struct {
	// Foreign was used by programs that aren't roles of the round, the engine
	// among them.
	Foreign float64
	// Steal was taken by the hypervisor.
	Steal float64
}

// mostSteal is the share of the processors' time beyond which a round is void.
// What a hypervisor takes, it takes from whatever runs, so that it is in the
// broker's work as well.
const mostSteal = 0.1

// mostHeld is the part of a latency by which packets may leave late in the mean:
// what is lost is lost to both sides, until the cell isn't what it is called.
const mostHeld = 10

// neighbours returns what others did in the batches of a round.
func (p *pairing) neighbours() Neighbours {
	sum := p.used
	for _, x := range p.sides {
		sum.Subscriber.CPU += x.run.Usage.Subscriber.CPU
	}
	sum.SetForeign()
	if p.capacity == 0 {
		return Neighbours{}
	}
	share := func(part float64) float64 { return part / p.capacity.Seconds() }
	return Neighbours{Foreign: share(sum.Machine.Foreign.Seconds()), Steal: share(sum.Machine.Steal.Seconds())}
}

// note adds what was used in a batch.
func (p *pairing) note(u results.Usage) {
	p.used.Author.CPU += u.Author.CPU
	p.used.Broker.CPU += u.Broker.CPU
	p.used.Machine.Busy += u.Machine.Busy
	p.used.Machine.Steal += u.Machine.Steal
	p.capacity += u.Machine.Busy + u.Machine.Idle + u.Machine.Steal
}

// disturbed returns an error if the round is void by what it was measured in. No
// rule looks at what the brokers made of it.
func (p *pairing) disturbed() error {
	if steal := p.neighbours().Steal; steal > mostSteal {
		return fmt.Errorf("the hypervisor took %.0f %% of the processors' time, more than %.0f %%",
			100*steal, 100*mostSteal)
	}
	if p.dropped != [2]uint64{} {
		return fmt.Errorf("a listen queue was full: the kernel dropped %d and %d connection attempts, and tries each "+
			"again after a second or more", p.dropped[0], p.dropped[1])
	}
	for _, x := range p.sides {
		most := max(x.cell.Latency/mostHeld, netem.Tolerance(x.cell.Latency))
		if late := x.run.Lateness; late > most {
			return fmt.Errorf("packets were held for %v longer than asked for, in the mean, more than %v",
				late.Round(time.Microsecond), most)
		}
	}
	return nil
}
