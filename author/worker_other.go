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
	kept  net.Conn // open for the next event, nil if there is none
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
	defer w.drop()
	for {
		i, ok := l.take()
		if !ok || l.config.Rate > 0 && !l.await(i) {
			return nil
		}
		w.frame = l.events.frame(w.frame, i)
		begun := time.Now()
		l.results[i].Begun = begun.Sub(l.started)
		outcome, connected, err := w.send(i, begun.Add(l.config.EventTimeout))
		if err != nil {
			return err
		}
		l.finish(i, outcome, connected, 0)
		if outcome == TimedOut && l.acked.Load() == 0 && int(l.done.Load()) >= min(l.config.Conns, l.config.Events) {
			return errSilent
		}
	}
}

// await waits until an event of an open loop is due, and reports whether it was
// worth it: false when the load is to stop. An event that was due before it was
// taken had to wait for one of the connections.
func (l *load) await(i int) bool {
	const look = 50 * time.Millisecond // at whether to stop
	s := &l.results[i]
	s.waited = time.Since(l.started) > s.Planned
	for !l.stop.Load() {
		left := s.Planned - time.Since(l.started)
		if left <= 0 {
			return true
		}
		time.Sleep(min(left, look))
	}
	return false
}

// drop closes the connection that was kept open, if there is one.
func (w *worker) drop() {
	if w.kept != nil {
		w.kept.Close()
		w.kept = nil
	}
}

// connect returns the connection that was kept open, or a new one.
func (w *worker) connect(ctx context.Context) (net.Conn, error) {
	if c := w.kept; c != nil {
		w.kept = nil
		return c, nil
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", w.load.config.Addr)
}

func (w *worker) send(event int, deadline time.Time) (outcome Outcome, connected bool, err error) {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	c, err := w.connect(ctx)
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return 0, false, fmt.Errorf("no more ephemeral ports: send fewer events, or wait: %w", err)
	case errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE):
		return 0, false, fmt.Errorf("no more file descriptors: raise the limit (ulimit -n) above the number of "+
			"connections: %w", err)
	case err != nil:
		return outcomeOf(err), false, nil
	}
	defer func() {
		if w.load.config.KeepOpen && err == nil && (outcome == Acked || outcome == Nakked) {
			w.kept = c
		} else {
			c.Close()
		}
	}()
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
