package netem

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cometbench/internal/require"
)

// A measurement is void if the machine was disturbed meanwhile, by other
// programs or by other virtual machines of its host. What was measured doesn't
// decide that, but a witness: a thread that sleeps for two milliseconds at a
// time and notes how late it wakes up.

// nap is how long the witness sleeps.
const nap = 2 * time.Millisecond

// lateness is how late the witness woke up, in ascending order.
type lateness []time.Duration

func (l lateness) median() time.Duration  { return l[len(l)/2] }
func (l lateness) longest() time.Duration { return l[len(l)-1] }

func (l lateness) String() string {
	return fmt.Sprintf("of %d wake-ups the median was %v late, the latest %v", len(l), l.median(), l.longest())
}

// slowed reports whether the machine was too slow for figures: half of the
// wake-ups were later than two thirds of the least tolerance of [CheckRTT]. (A
// round trip is the lower decile of many, which that changes even less.)
func (l lateness) slowed() bool { return l.median() > 200*time.Microsecond }

// stopped reports whether the machine stood still for half of the least time
// after which TCP sends a segment again.
func (l lateness) stopped() bool { return l.longest() > 100*time.Millisecond }

// witness observes the machine until the function that it returns is called.
func witness() (end func() lateness) {
	var ended atomic.Bool
	result := make(chan lateness)
	go func() {
		// The thread isn't unlocked: it ends with the goroutine, and its
		// timer slack with it.
		runtime.LockOSThread()
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		var late lateness
		for len(late) == 0 || !ended.Load() {
			begun := time.Now()
			_ = unix.Nanosleep(&unix.Timespec{Nsec: int64(nap)}, nil)
			late = append(late, max(0, time.Since(begun)-nap))
		}
		slices.Sort(late)
		result <- late
	}()
	return func() lateness {
		ended.Store(true)
		return <-result
	}
}

// undisturbed calls measure, and again for as long as the measurement is void.
// (What an emulated processor measures is judged by what it can't disturb.)
func undisturbed(t testing.TB, void func(lateness) bool, measure func()) {
	t.Helper()
	if slow() {
		measure()
		return
	}
	var late lateness
	for range 5 {
		end := witness()
		measure()
		if late = end(); !void(late) {
			return
		}
		t.Logf("void: %v", late)
	}
	require.Missing(t, "quiet", "the machine is too busy to measure on: "+late.String())
}
