//go:build !linux

package netem

import (
	"context"
	"io"
	"os/exec"
)

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

// HoldPair needs Linux.
func HoldPair(ctx context.Context, stdin io.Reader, stdout io.Writer) error { return errSystem() }

// Within needs Linux.
func Within(namespace string, command []string) error { return errSystem() }
