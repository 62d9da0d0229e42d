package testbed

import (
	"context"
	"encoding/json"
	"fmt"

	"cometbench/netem"
)

// lines returns the next line that a command of ours printed.
type lines func(context.Context) ([]byte, error)

// readReady reads the line with which "cometbench delay" says that the delay
// is in force, and returns its kind.
func readReady(ctx context.Context, next lines) (string, error) {
	line, err := next(ctx)
	if err != nil {
		return "", err
	}
	var ready struct {
		Ready bool
		Kind  string
	}
	if err := json.Unmarshal(line, &ready); err != nil || !ready.Ready {
		return "", fmt.Errorf("delay printed %.100q: %w", line, err)
	}
	return ready.Kind, nil
}

// readDrops reads the statistics that "cometbench delay" prints at its end.
func readDrops(ctx context.Context, next lines) (uint64, error) {
	line, err := next(ctx)
	if err != nil {
		return 0, err
	}
	var stats netem.Stats
	if err := json.Unmarshal(line, &stats); err != nil {
		return 0, fmt.Errorf("delay printed %.100q: %w", line, err)
	}
	return stats.Drops, nil
}
