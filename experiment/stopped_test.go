//go:build unix

package experiment

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results/journey"
)

// stopped sends a batch, stops the broker after a time and for as long, and returns
// the delivery latencies in rising order, and for how long it was stopped.
func stopped(t *testing.T, load Load, after time.Duration) (latencies []time.Duration, pause time.Duration) {
	t.Helper()
	c := newConfig(t)
	s := prepared(t, c, "embedded")
	x, err := New(t.Context(), c, s, matrix.Cell{Broker: s.Label, Conns: load.Conns, Events: load.Events}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := x.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err := x.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	pid := x.broker.Address().PID
	paused := make(chan time.Duration, 1)
	if after > 0 {
		go func() {
			time.Sleep(after)
			begun := time.Now()
			err1 := syscall.Kill(pid, syscall.SIGSTOP)
			time.Sleep(after)
			err2 := syscall.Kill(pid, syscall.SIGCONT)
			if err1 != nil || err2 != nil {
				t.Error(err1, err2)
			}
			paused <- time.Since(begun)
		}()
	}
	_, j, err := x.follow(t.Context(), load)
	if err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		pause = <-paused
	}
	due, delivered := reached(j, journey.Delivery)
	if len(due) != load.Events {
		t.Fatalf("%d of %d events were delivered", len(due), load.Events)
	}
	for i := range due {
		latencies = append(latencies, delivered[i]-due[i])
	}
	slices.Sort(latencies)
	return latencies, pause
}

// TestStoppedOpen: an open loop shows that the broker stood still, by the amount
// that arithmetic gives: events became due all the time.
func TestStoppedOpen(t *testing.T) {
	const rate, events = 100, 500
	latencies, pause := stopped(t, Load{Conns: matrix.OpenConns, Events: events, Pace: matrix.Pace{Rate: rate}},
		time.Second)
	// The later an event of the pause became due the less it waited: as many as
	// are beyond the 99th percentile became due in its first part.
	const beyond = events / 100
	for _, tt := range []struct {
		name      string
		got, want time.Duration
	}{
		{"p99", latencies[events-beyond-1], pause - beyond*time.Second/rate},
		{"max", latencies[events-1], pause},
	} {
		if ratio := tt.got.Seconds() / tt.want.Seconds(); ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%s is %v, want %v within 10 %%", tt.name, tt.got, tt.want)
		}
	}
	waited := 0
	for _, l := range latencies {
		if l > pause/2 {
			waited++
		}
	}
	if want := pause.Seconds() / 2 * rate; float64(waited) < 0.9*want || float64(waited) > 1.1*want {
		t.Errorf("%d events waited for more than half of the pause, want %.0f within 10 %%", waited, want)
	}
}

// TestStoppedClosed: a closed loop hides it. It waits with the broker, so that the
// pause meets no more events than there are connections, and the median hardly
// moves.
func TestStoppedClosed(t *testing.T) {
	load := Load{Conns: 4, Events: 20_000} // of some seconds
	usual, _ := stopped(t, load, 0)
	latencies, pause := stopped(t, load, 500*time.Millisecond)
	waited := 0
	for _, l := range latencies {
		if l > pause/2 {
			waited++
		}
	}
	if waited == 0 || waited > load.Conns {
		t.Errorf("%d events waited for the broker, want 1 to %d", waited, load.Conns)
	}
	if ratio := latencies[load.Events/2].Seconds() / usual[load.Events/2].Seconds(); ratio > 2 {
		t.Errorf("the median is %v, and %v without a pause: want it hardly to move", latencies[load.Events/2],
			usual[load.Events/2])
	}
}
