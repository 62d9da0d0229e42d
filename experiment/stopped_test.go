//go:build unix

package experiment

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"time"

	"cometbench/matrix"
	"cometbench/results/journey"
)

// stop stops a process for a time, and returns for how long it was stopped.
func stop(t *testing.T, pid int, length time.Duration) time.Duration {
	begun := time.Now()
	err := syscall.Kill(pid, syscall.SIGSTOP)
	time.Sleep(length)
	if err := errors.Join(err, syscall.Kill(pid, syscall.SIGCONT)); err != nil {
		t.Error(err)
	}
	return time.Since(begun)
}

// stopped sends a batch, stops the broker meanwhile if length isn't 0, and returns
// the ack latencies in rising order, and for how long it was stopped.
func stopped(t *testing.T, load Load, length time.Duration) (latencies []time.Duration, pause time.Duration) {
	t.Helper()
	c := newConfig(t)
	s := prepared(t, c, "embedded")
	x := started(t, c, s, matrix.Cell{Broker: s.Label, Conns: load.Conns, Events: load.Events}, "")
	sent := make(chan struct{})
	paused := make(chan time.Duration, 1)
	go func() {
		if length == 0 {
			paused <- 0
			return
		}
		for n, _ := x.Progress(); n == 0; n, _ = x.Progress() { // it says so once a second
			select {
			case <-sent:
				t.Error("the batch was over before the broker could be stopped")
				paused <- 0
				return
			case <-time.After(time.Millisecond):
			}
		}
		paused <- stop(t, x.broker.Address().PID, length)
	}()
	_, j, err := x.follow(t.Context(), load)
	close(sent)
	pause = <-paused
	if err != nil {
		t.Fatal(err)
	}
	due, acked := reached(j, journey.Ack)
	if len(due) != load.Events {
		t.Fatalf("%d of %d events were acked", len(due), load.Events)
	}
	for i := range due {
		latencies = append(latencies, acked[i]-due[i])
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
	if least := 0.9 * pause.Seconds() / 2 * rate; float64(waited) < least {
		t.Errorf("%d events waited for more than half of the pause, want %.0f at least", waited, least)
	}
}

// TestStoppedClosed: a closed loop hides it. It waits with the broker, so that the
// pause meets no more events than there are connections, and the median hardly
// moves.
func TestStoppedClosed(t *testing.T) {
	load := Load{Conns: 4, Events: 40_000} // of some seconds
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
