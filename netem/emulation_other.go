//go:build !linux

package netem

import (
	"context"
	"runtime"
)

// Emulation is a delay in force.
type Emulation struct{}

// Add needs Linux.
func Add(ctx context.Context, d Delay) (*Emulation, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return nil, errSystem()
}

func errSystem() error {
	return &Error{
		Missing: "Linux's network emulation",
		Remedy:  "on " + runtime.GOOS + " latency needs a Docker engine, whose containers run on Linux",
	}
}

// Kind returns what delays the packets.
func (e *Emulation) Kind() Kind { return "" }

// Packets returns the size of the queue in packets.
func (e *Emulation) Packets() int { return 0 }

// Done is closed when the emulation has ended without [Emulation.Remove].
func (e *Emulation) Done() <-chan struct{} { return nil }

// Err says why the emulation has ended.
func (e *Emulation) Err() error { return errSystem() }

// Stats returns what the emulation has done so far.
func (e *Emulation) Stats() (Stats, error) { return Stats{}, errSystem() }

// Remove takes the delay away.
func (e *Emulation) Remove() (Stats, error) { return Stats{}, errSystem() }
