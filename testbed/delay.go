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
	if err := json.Unmarshal(line, &ready); err != nil {
		return "", fmt.Errorf("delay printed %.100q: %w", line, err)
	}
	if !ready.Ready {
		return "", fmt.Errorf("delay printed %.100q, which doesn't say that it is ready", line)
	}
	return ready.Kind, nil
}

// readStats reads the statistics that "cometbench delay" prints at its end.
func readStats(ctx context.Context, next lines) (netem.Stats, error) {
	var stats netem.Stats
	line, err := next(ctx)
	if err != nil {
		return stats, err
	}
	if err := json.Unmarshal(line, &stats); err != nil {
		return stats, fmt.Errorf("delay printed %.100q: %w", line, err)
	}
	return stats, nil
}
