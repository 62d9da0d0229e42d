package experiment

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Interruptible returns a context that ends with SIGINT, SIGTERM, and with the
// process's parent: go test that is killed alone would leave its benchmark
// running.
func Interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	go endWith(ctx, stop, os.Getppid, time.Second)
	return ctx, stop
}

// endWith calls stop when the parent, which is looked at again and again, is
// another than at first: a process whose parent has ended gets a new one.
func endWith(ctx context.Context, stop func(), parent func() int, every time.Duration) {
	first := parent()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if parent() != first {
				stop()
				return
			}
		}
	}
}
