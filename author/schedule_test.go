package author

import (
	"io"
	"math"
	"net"
	"slices"
	"testing"
	"time"

	"cometbench/vtp"
)

func TestPlan(t *testing.T) {
	const n, rate = 10_000, 250.0
	even := make([]Result, n)
	plan(even, rate, false)
	for i, r := range even {
		if want := time.Duration(i) * 4 * time.Millisecond; r.Planned != want {
			t.Fatalf("event %d is due after %v, want %v", i, r.Planned, want)
		}
	}
	random, again := make([]Result, n), make([]Result, n)
	plan(random, rate, true)
	plan(again, rate, true)
	if !slices.Equal(random, again) {
		t.Error("the same seed gave two schedules")
	}
	// The gaps of a Poisson process are exponential: their mean is their standard
	// deviation, each within four standard errors here, and 1 - 1/e of them are
	// shorter than that.
	const gaps = n - 1
	var sum, squares, short float64
	for i := range gaps {
		gap := (random[i+1].Planned - random[i].Planned).Seconds() * rate
		sum += gap
		squares += gap * gap
		if gap < 1 {
			short++
		}
	}
	mean := sum / gaps
	deviation := math.Sqrt(squares/gaps - mean*mean)
	if math.Abs(mean-1) > 0.04 || math.Abs(deviation-1) > 0.06 || math.Abs(short/gaps-(1-1/math.E)) > 0.02 {
		t.Errorf("gaps have mean %.3f, deviation %.3f, and %.3f of them are short", mean, deviation, short/gaps)
	}
}

// TestOpenLoop: the schedule is kept whatever the broker does, and what an event
// waits for a connection isn't the author's lateness.
func TestOpenLoop(t *testing.T) {
	const events, rate = 40, 200.0
	slow := serve(t, func(c net.Conn) {
		payload, err := vtp.ReadFrame(c, nil)
		if err != nil {
			return
		}
		head, _ := vtp.ParseHead(payload)
		time.Sleep(30 * time.Millisecond) // six gaps
		c.Write(ack(string(head.IVOID)))
		io.Copy(io.Discard, c)
	})
	for _, conns := range []int{1, 2, events} {
		r, err := Run(t.Context(), Config{Addr: slow, Conns: conns, Events: events, Rate: rate})
		if err != nil || r.Acked != events {
			t.Fatalf("%d connections: got %+v, %v", conns, r, err)
		}
		if math.Abs(r.Offered-rate) > 1e-6 {
			t.Errorf("%d connections: %v events/s were offered, want %v", conns, r.Offered, rate)
		}
		open := make([]int, events) // connections when each event began
		waited := 0
		for i, s := range r.Results {
			if s.Begun < s.Planned || s.Planned != time.Duration(i)*5*time.Millisecond {
				t.Errorf("%d connections: event %d: %+v", conns, i, s)
			}
			for _, other := range r.Results[:i] {
				if other.Done > s.Begun {
					open[i]++
				}
			}
			if s.waited {
				waited++
			}
		}
		if most := slices.Max(open) + 1; most > conns {
			t.Errorf("got %d connections at a time, want %d", most, conns)
		}
		switch {
		case conns < 6 && (waited < events/2 || r.Achieved > 1.1*float64(conns)/0.03):
			t.Errorf("%d connections: %d events waited, %v events/s were achieved", conns, waited, r.Achieved)
		case conns == events && waited > 0:
			t.Errorf("%d events waited for one of %d connections", waited, conns)
		}
	}
}

// TestScheduleError: what begins late counts, unless it waited for a connection.
func TestScheduleError(t *testing.T) {
	var r Report
	for i := range 200 {
		planned := time.Duration(i) * time.Second
		s := Result{Planned: planned, Begun: planned + time.Duration(i), Done: planned + time.Minute, Outcome: Acked}
		if i >= 100 {
			s.Begun, s.waited = planned+time.Hour, true
		}
		r.Results = append(r.Results, s)
	}
	r.Results[199].Outcome = TimedOut
	r.paced()
	if r.ScheduleP99 != 98 || r.Waited != 100 || r.Offered != 1 || r.Achieved != 1 {
		t.Errorf("got %v, %v and %v events/s, want 98ns, 1 and 1", r.ScheduleP99, r.Offered, r.Achieved)
	}
	one := Report{Results: make([]Result, 1)}
	if one.paced(); one.Offered != 0 || one.Achieved != 0 || one.ScheduleP99 != 0 {
		t.Errorf("of one event: got %+v", one)
	}
}
