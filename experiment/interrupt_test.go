package experiment

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

func TestEndWithParent(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var asked atomic.Int32
	parent := func() int {
		if asked.Add(1) > 3 {
			return 1
		}
		return 100
	}
	stopped := false
	endWith(ctx, func() { stopped = true }, parent, time.Millisecond)
	if !stopped || asked.Load() != 4 {
		t.Errorf("stopped: %t, after %d looks, want 4", stopped, asked.Load())
	}
	cancel()
	stopped = false
	endWith(ctx, func() { stopped = true }, parent, time.Hour)
	if stopped {
		t.Error("it was stopped a second time, after its end")
	}
}
