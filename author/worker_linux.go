package author

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"time"

	"cometbench/vtp"

	"golang.org/x/sys/unix"
)

// worker drives its share of the connections from one thread, through epoll:
// package net would add a goroutine's wake-up to every step of every event.
type worker struct {
	load     *load
	family   int
	address  unix.Sockaddr
	loopback bool               // the address is one: source is ours
	source   unix.SockaddrInet4 // one of many for each event
	epoll    int
	stamps   int // a socket for which the kernel notes when packets arrive
	conns    []conn
	open     int    // connections that have an event under way
	clock    *clock // nil in the closed loop
}

// conn is a place for one connection at a time.
type conn struct {
	fd      int
	event   int
	begun   time.Time
	frame   []byte // the event's
	written int    // bytes of it that were sent
	reply   []byte
	control [64]byte // room for control messages of a read
	arrived int64    // when the end of reply arrived, ns since 1970; 0 if that isn't known
	opened  bool     // fd is open
	busy    bool     // an event is under way
	isEvent func(ivoid []byte) bool
}

// newWorkers makes one worker for each processor, as far as there are
// connections for them.
func newWorkers(l *load) ([]*worker, error) {
	target, err := net.ResolveTCPAddr("tcp", l.config.Addr)
	if err != nil {
		return nil, err
	}
	conns := min(l.config.Conns, l.config.Events)
	workers := make([]*worker, min(runtime.GOMAXPROCS(0), conns))
	if l.config.Rate > 0 {
		workers = workers[:1] // which knows whether any connection is free
	}
	for i := range workers {
		// Connecting writes into the address: each worker has its own.
		family, address, err := socketAddress(target)
		epoll := -1
		if err == nil {
			epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		}
		var timer *clock
		if err == nil && l.config.Rate > 0 {
			timer, err = newClock(l, epoll)
		}
		if err != nil {
			for _, w := range workers[:i] {
				w.close()
			}
			return nil, fmt.Errorf("prepare to connect to %s: %w", l.config.Addr, err)
		}
		w := &worker{load: l, family: family, address: address, epoll: epoll, stamps: stampingSocket(), clock: timer}
		w.source.Addr = [4]byte{127, 1, 0, 1}
		w.loopback = family == unix.AF_INET && target.IP.IsLoopback()
		w.conns = make([]conn, (conns+i)/len(workers))
		for j := range w.conns {
			c := &w.conns[j]
			c.frame = l.events.frame(nil, 0)
			c.isEvent = func(ivoid []byte) bool { return l.events.is(c.event, ivoid) }
		}
		workers[i] = w
	}
	return workers, nil
}

// look is how long a worker waits at most before it looks at deadlines.
const look = 50 * time.Millisecond

func (w *worker) run() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer w.close()
	for i := range w.conns {
		if err := w.begin(i); err != nil {
			return err
		}
	}
	ready := make([]unix.EpollEvent, min(len(w.conns), 256))
	checked := time.Now()
	for (w.open > 0 || w.clock != nil && w.clock.left()) && !w.load.stop.Load() {
		n, err := unix.EpollWait(w.epoll, ready, int(look.Milliseconds()))
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, e := range ready[:max(n, 0)] {
			if e.Fd == clockEvent {
				err = w.clock.ring(w.begin)
			} else {
				err = w.step(int(e.Fd), e.Events&unix.EPOLLIN != 0)
			}
			if err != nil {
				return err
			}
		}
		if now := time.Now(); now.Sub(checked) >= look {
			checked = now
			if err := w.expire(now); err != nil {
				return err
			}
		}
	}
	return nil
}

// close closes what is still open.
func (w *worker) close() {
	for i := range w.conns {
		if w.conns[i].opened {
			unix.Close(w.conns[i].fd)
		}
	}
	if w.clock != nil {
		unix.Close(w.clock.fd)
	}
	unix.Close(w.epoll)
}

// take returns the next event for a connection, false when there is none, or none
// that is due.
func (w *worker) take(i int) (event int, ok bool, err error) {
	if w.clock != nil {
		return w.clock.take(i)
	}
	event, ok = w.load.take()
	return event, ok, nil
}

// begin begins the next event of the budget on a connection of its own, or on one
// that was kept open. Those that fail at once are done at once.
func (w *worker) begin(i int) error {
	c := &w.conns[i]
	for {
		event, ok, err := w.take(i)
		if !ok || err != nil {
			return err
		}
		c.event, c.written, c.arrived = event, 0, 0
		c.frame = w.load.events.frame(c.frame, event)
		c.begun = time.Now()
		w.load.results[event].Begun = c.begun.Sub(w.load.started)
		if c.opened {
			// Room for what is written was reported before, and isn't again.
			c.busy = true
			w.open++
			outcome, done := c.advance(false)
			if !done {
				return nil
			}
			w.end(c, outcome)
			continue
		}
		if c.reply = c.reply[:0]; cap(c.reply) > usualReply {
			c.reply = nil
		}
		fd, err := unix.Socket(w.family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return cmp.Or(exhausted(err), os.NewSyscallError("socket", err))
		}
		c.fd, c.opened, c.busy = fd, true, true
		stampArrivals(fd)
		w.open++
		err = w.connect(fd, event)
		if reason := exhausted(err); reason != nil {
			return reason
		}
		if err == nil || err == unix.EINPROGRESS || err == unix.EINTR {
			err = unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{
				Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET&0xffffffff, Fd: int32(i),
			})
			if err != nil {
				return os.NewSyscallError("epoll_ctl", err)
			}
			return nil
		}
		w.end(c, outcomeOf(err))
	}
}

// end closes a connection whose event is done, unless it is kept open for the next.
func (w *worker) end(c *conn, outcome Outcome) {
	w.load.finish(c.event, outcome, c.connected(outcome), c.arrived)
	if !w.load.config.KeepOpen || outcome != Acked && outcome != Nakked {
		unix.Close(c.fd)
		c.opened = false
	}
	c.busy = false
	w.open--
}

// connected reports whether a connection that had this outcome stood: something
// was written, or it was the broker who spoke or ended it first.
func (c *conn) connected(outcome Outcome) bool {
	switch outcome {
	case Refused, Unreachable:
		return false
	case TimedOut:
		return c.written > 0
	}
	return true
}

// step takes a connection as far as it can go without waiting. It is readable
// if the broker has sent something, or closed.
func (w *worker) step(i int, readable bool) error {
	c := &w.conns[i]
	if !c.busy {
		return nil
	}
	outcome, done := c.advance(readable)
	if !done {
		return nil
	}
	w.end(c, outcome)
	return w.begin(i)
}

// advance writes the event and reads the answer, as far as the socket allows.
func (c *conn) advance(readable bool) (outcome Outcome, done bool) {
	if readable && c.written < len(c.frame) {
		switch outcome, done := c.read(); {
		case outcome == Acked || outcome == Nakked:
			return WrongAnswer, true // before there was anything to answer
		case done:
			return outcome, true
		}
	}
	for c.written < len(c.frame) {
		n, err := unix.SendmsgN(c.fd, c.frame[c.written:], nil, nil, unix.MSG_NOSIGNAL)
		switch err {
		case nil:
			c.written += n
		case unix.EINTR:
		case unix.EAGAIN, unix.ENOTCONN:
			return 0, false
		default:
			return outcomeOf(err), true
		}
	}
	return c.read()
}

// usualReply is room for the answers of brokers, in bytes; a longer one gets
// more as it arrives.
const usualReply = 2048

// read reads what the broker has sent, to an answer.
func (c *conn) read() (outcome Outcome, done bool) {
	for {
		if len(c.reply) == cap(c.reply) {
			c.reply = slices.Grow(c.reply, max(usualReply, len(c.reply)))
		}
		n, err := c.receive(c.reply[len(c.reply):cap(c.reply)])
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, false
		case err != nil:
			return outcomeOf(err), true
		case n == 0:
			return Reset, true // closed without an answer
		}
		c.reply = c.reply[:len(c.reply)+n]
		for {
			size, err := vtp.FrameSize(c.reply)
			if err != nil {
				return Other, true
			}
			if size == 0 || size > len(c.reply) {
				break
			}
			outcome, final := answer(c.reply[vtp.HeaderSize:size], c.isEvent)
			c.reply = append(c.reply[:0], c.reply[size:]...)
			if final {
				return outcome, true
			}
		}
	}
}

// expire ends the events that have had their time.
func (w *worker) expire(now time.Time) error {
	for i := range w.conns {
		c := &w.conns[i]
		if !c.busy || now.Sub(c.begun) < w.load.config.EventTimeout {
			continue
		}
		w.end(c, TimedOut)
		if w.load.acked.Load() == 0 && int(w.load.done.Load()) >= min(w.load.config.Conns, w.load.config.Events) {
			return errSilent
		}
		if err := w.begin(i); err != nil {
			return err
		}
	}
	return nil
}
