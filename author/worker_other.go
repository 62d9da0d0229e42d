//go:build !linux

package author

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"cometbench/vtp"
)

// worker drives one connection at a time, through package net.
type worker struct {
	load  *load
	frame []byte
}

func newWorkers(l *load) ([]*worker, error) {
	if _, err := net.ResolveTCPAddr("tcp", l.config.Addr); err != nil {
		return nil, err
	}
	workers := make([]*worker, min(l.config.Conns, l.config.Events))
	for i := range workers {
		workers[i] = &worker{load: l, frame: l.events.frame(nil, 0)}
	}
	return workers, nil
}

func (w *worker) run() error {
	l := w.load
	for {
		i, ok := l.take()
		if !ok {
			return nil
		}
		w.frame = l.events.frame(w.frame, i)
		begun := time.Now()
		l.results[i].Begun = begun.Sub(l.started)
		outcome, connected, err := w.send(i, begun.Add(l.config.EventTimeout))
		if err != nil {
			return err
		}
		l.finish(i, outcome, connected)
		if outcome == TimedOut && l.acked.Load() == 0 && int(l.done.Load()) >= min(l.config.Conns, l.config.Events) {
			return errSilent
		}
	}
}

func (w *worker) send(event int, deadline time.Time) (outcome Outcome, connected bool, err error) {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", w.load.config.Addr)
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return 0, false, fmt.Errorf("no more ephemeral ports: send fewer events, or wait: %w", err)
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		return 0, false, fmt.Errorf("no more file descriptors: raise the limit (ulimit -n) above the number of "+
			"connections: %w", err)
	case err != nil:
		return outcomeOf(err), false, nil
	}
	defer c.Close()
	if err := c.SetDeadline(deadline); err != nil {
		return Other, true, nil
	}
	if _, err := c.Write(w.frame); err != nil {
		return outcomeOf(err), true, nil
	}
	outcome, err = readAnswer(c, func(ivoid []byte) bool { return w.load.events.is(event, ivoid) })
	if err != nil {
		return outcomeOf(err), true, nil
	}
	return outcome, true, nil
}

// outcomeOf returns the outcome that a connection's error means.
func outcomeOf(err error) Outcome {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return Unreachable
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	case errors.Is(err, vtp.ErrTooLong):
		return Other
	}
	return Reset
}
