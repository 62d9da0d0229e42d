package author

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// clock tells the worker of an open loop when events are due. It is a timer of the
// kernel's (timerfd_create(2)): epoll's own timeout is in whole milliseconds, and
// may be 0.05 ms late besides.
type clock struct {
	load *load
	fd   int
	free []int // connections that have no event
	// full says that no connection is free, and freed when one became free
	// after that.
	full  bool
	freed time.Duration
}

// clockEvent is what epoll reports of the clock where it reports the number of a
// connection else.
const clockEvent = -1

// newClock makes a clock and adds it to what the epoll instance waits for.
func newClock(l *load, epoll int) (*clock, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLET&0xffffffff, Fd: clockEvent,
	})
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("wait for a timer: %w", os.NewSyscallError("epoll_ctl", err))
	}
	return &clock{load: l, fd: fd}, nil
}

// take returns the next event for a connection if it is due. Else the connection
// is free from now on, and the clock is set.
func (c *clock) take(conn int) (event int, ok bool, err error) {
	now := time.Since(c.load.started)
	if c.full {
		c.full, c.freed = false, now
	}
	next := int(c.load.next.Load())
	if next >= len(c.load.results) || c.load.stop.Load() {
		c.free = append(c.free, conn)
		return 0, false, nil
	}
	result := &c.load.results[next]
	if result.Planned > now {
		c.free = append(c.free, conn)
		return 0, false, c.set(result.Planned - now)
	}
	c.load.next.Add(1)
	result.waited = result.Planned < c.freed
	c.full = len(c.free) == 0
	return next, true, nil
}

// set lets epoll report the clock after d.
func (c *clock) set(d time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	return os.NewSyscallError("timerfd_settime", unix.TimerfdSettime(c.fd, 0, &spec, nil))
}

// ring begins the events that are due, as far as connections are free.
func (c *clock) ring(begin func(conn int) error) error {
	for len(c.free) > 0 {
		conn := c.free[len(c.free)-1]
		c.free = c.free[:len(c.free)-1]
		before := len(c.free)
		if err := begin(conn); err != nil {
			return err
		}
		if len(c.free) > before {
			return nil // nothing is due
		}
	}
	return nil
}

// left reports whether events are still to be begun.
func (c *clock) left() bool { return int(c.load.next.Load()) < len(c.load.results) }
