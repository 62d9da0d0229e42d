//go:build !linux

package netem

import (
	"context"
	"io"
	"os/exec"
	"runtime"
)

func errSystem() error {
	return &unsupported{
		Missing: "Linux's network emulation",
		Remedy:  "on " + runtime.GOOS + " latency needs a Docker engine, whose containers run on Linux",
	}
}

// Run needs Linux.
func (d Delay) Run(ctx context.Context, stdout io.Writer) error { return errSystem() }

// NewPair needs Linux.
func NewPair(ctx context.Context, executable string) (*Pair, error) { return nil, errSystem() }

// AuthorCommand needs Linux.
func (p *Pair) AuthorCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, args...)
}

// BrokerCommand needs Linux.
func (p *Pair) BrokerCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, args...)
}

// Close needs Linux.
func (p *Pair) Close() error { return nil }

// RunPair needs Linux.
func RunPair(ctx context.Context, stdin io.Reader, stdout io.Writer) error { return errSystem() }

// Exec needs Linux.
func Exec(namespace string, command []string) error { return errSystem() }
