package netem

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"time"
)

// Ready is the line of JSON by which the subcommand "delay" says that a delay
// is in force. When the delay has been taken away, [Stats] follow.
type Ready struct {
	Ready     bool          `json:"ready"`
	Kind      Kind          `json:"kind"`
	Interface string        `json:"interface"`
	OneWay    time.Duration `json:"latency_ns"`
	// Packets is the size of the queue.
	Packets int `json:"packets"`
}

// HoldDelay is what the subcommand "delay" does: it adds a delay in the
// network namespace of the process, writes [Ready] to stdout, and when the
// context ends takes the delay away and writes [Stats].
//
// The process has to be one of its own; see [Delay.Alone].
//
// If the interface goes meanwhile, it writes the statistics and returns an
// error, without taking away what is left of the delay: nothing must pass
// undelayed while a run goes on.
func HoldDelay(ctx context.Context, stdout io.Writer, d Delay) error {
	// The collector would take the CPU from the thread that holds packets;
	// what little is allocated is bounded all the same.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(256 << 20))
	d.Alone = true
	e, err := Add(ctx, d)
	if err != nil {
		return err
	}
	out := json.NewEncoder(stdout)
	if err := out.Encode(Ready{true, e.Kind(), d.Interface, d.OneWay, e.Packets()}); err != nil {
		_, _ = e.Remove()
		return fmt.Errorf("say that the delay of %s is in force: %w", d.Interface, err)
	}
	select {
	case <-ctx.Done():
	case <-e.Done():
		if s, err := e.Stats(); err == nil {
			_ = out.Encode(s)
		}
		return fmt.Errorf("the delay of %s has ended: %w", d.Interface, e.Err())
	}
	s, err := e.Remove()
	if err != nil {
		return err
	}
	if err := out.Encode(s); err != nil {
		return fmt.Errorf("write the statistics of the delay of %s: %w", d.Interface, err)
	}
	return nil
}
