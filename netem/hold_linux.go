package netem

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	// spin is how long before a packet is due the holder stops sleeping: as
	// long as it may take to wake up. A thread that runs before others is
	// woken sooner.
	spin      = 100 * time.Microsecond
	spinFirst = 30 * time.Microsecond
	// gather is the time between two system calls that send, where packets
	// come close together: then several are sent at once, which takes less
	// of the CPU. It is at most one part in gatherPart of the delay.
	gather     = 100 * time.Microsecond
	gatherPart = 200
	// batch is how many packets one system call sends at most.
	batch = 64
	// patience is how long an interface may refuse a packet for want of
	// room, and how often, before it is dropped: a thread that isn't let run
	// meanwhile hasn't asked.
	patience = 10 * time.Millisecond
	refusals = 50
	// grace is how long a holder that drains waits for packets that were
	// redirected before the filter went.
	grace = 5 * time.Millisecond
	// clockStep is by how much the wall clock has to jump to be noticed.
	clockStep = time.Millisecond
)

// holder takes packets from the ring and sends each when it is due.
type holder struct {
	ring   *ring
	delay  time.Duration
	gather time.Duration
	own    net.HardwareAddr // of the pair's end: what it sends itself is skipped
	send   int              // packet socket that sends
	watch  int              // packet socket that fails as the interface goes
	wake   int              // eventfd: stop
	base   time.Time
	drain  atomic.Bool
	quit   atomic.Bool
	ended  chan struct{}
	failed chan struct{}

	skipped atomic.Uint64
	mu      sync.Mutex // guards what follows
	stats   Stats
	err     error

	// Of the holding thread alone.
	spin     time.Duration
	due      time.Duration // when the head is due, since base
	known    bool          // whether due is
	sent     time.Duration // when it last sent, since base
	messages [batch]message
	vectors  [batch]unix.Iovec
	owed     [batch]time.Duration
	step     time.Duration // wall clock less monotonic clock, as last seen
	events   [3]unix.PollFd
}

// message is the kernel's mmsghdr.
type message struct {
	header unix.Msghdr
	sent   uint32
	_      [4]byte
}

// newHolder makes the holder of what is redirected into the interface in, to
// be sent on link.
func newHolder(link, in *netlink.LinkAttrs, d Delay) (_ *holder, err error) {
	h := &holder{delay: d.OneWay, gather: min(gather, d.OneWay/gatherPart), own: in.HardwareAddr, send: -1, watch: -1, wake: -1, base: time.Now(),
		ended: make(chan struct{}), failed: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if h.ring, err = newRing(in.Index, link.MTU, d.Packets, d.packets(leastFrames)); err != nil {
		return nil, err
	}
	if h.send, err = packetSocket(); err != nil {
		return nil, err
	}
	if h.watch, err = packetSocket(); err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(h.send, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
		return nil, &Error{Missing: "the socket option PACKET_QDISC_BYPASS", Remedy: "it needs Linux 3.14 or newer", Err: err}
	}
	// As large as the system lets us: packets are on their way until the
	// other side has taken them.
	if unix.SetsockoptInt(h.send, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20) != nil {
		_ = unix.SetsockoptInt(h.send, unix.SOL_SOCKET, unix.SO_SNDBUF, 8<<20)
	}
	if err := bind(h.send, link.Index, 0); err != nil {
		return nil, err
	}
	// It has to listen for something to be told that the interface has gone:
	// for a protocol that nobody sends.
	if err := bind(h.watch, link.Index, unix.ETH_P_LOOP); err != nil {
		return nil, err
	}
	if h.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	h.events = [3]unix.PollFd{
		{Fd: int32(h.wake), Events: unix.POLLIN},
		{Fd: int32(h.watch)},
		{Fd: int32(h.ring.fd), Events: unix.POLLIN},
	}
	for i := range h.messages {
		h.messages[i].header.Iov = &h.vectors[i]
		h.messages[i].header.SetIovlen(1)
	}
	return h, nil
}

// start starts the holding thread and returns when it runs.
func (h *holder) start() {
	running := make(chan struct{})
	go func() {
		defer close(h.ended)
		// The thread isn't unlocked: it ends with the goroutine, and its
		// timer slack with it.
		runtime.LockOSThread()
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		h.spin = spin
		if runsFirst() {
			h.spin = spinFirst
		}
		close(running)
		err := h.run()
		var usage unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_THREAD, &usage)
		h.mu.Lock()
		h.err = err
		h.stats.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		h.mu.Unlock()
		if err != nil {
			close(h.failed)
		}
	}()
	<-running
}

// stop ends the holding thread, after the last packet that is held has been
// sent if drain is set.
func (h *holder) stop(drain bool) {
	if drain {
		h.drain.Store(true)
	} else {
		h.quit.Store(true)
	}
	_, _ = unix.Write(h.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-h.ended
}

func (h *holder) close() error {
	var err error
	for _, fd := range []int{h.send, h.watch, h.wake} {
		if fd >= 0 {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	if h.ring != nil {
		err = errors.Join(err, h.ring.close())
	}
	return err
}

func (h *holder) snapshot() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.stats
	s.Lateness.Counts = append([]uint64(nil), s.Lateness.Counts...)
	return s
}

func (h *holder) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// now returns the time since base, and the wall clock, which the time stamps
// of the ring are in.
func (h *holder) now() (since time.Duration, wall int64) {
	t := time.Now()
	return t.Sub(h.base), t.UnixNano()
}

// clocks reads both by now, and counts the jumps of the wall clock: packets
// that were held then have been sent at the wrong time. The clocks are read
// one after the other; a thread that isn't let run between them sees a jump
// that isn't there when it looks again.
func (h *holder) clocks(now func() (time.Duration, int64)) (since time.Duration, wall int64) {
	for range 3 {
		since, wall = now()
		if (time.Duration(wall) - since - h.step).Abs() <= clockStep {
			h.step = time.Duration(wall) - since
			return since, wall
		}
	}
	h.step = time.Duration(wall) - since
	h.mu.Lock()
	h.stats.ClockSteps++
	h.mu.Unlock()
	return since, wall
}

// run holds packets until it is stopped or the interface goes.
func (h *holder) run() error {
	since, wall := h.now()
	h.step = time.Duration(wall) - since
	var drained time.Duration // since when it drains
	for !h.quit.Load() {
		now, wall := h.clocks(h.now)
		if drained == 0 && h.drain.Load() {
			drained = now
			h.events[0].Fd = -1 // it has been told
		}
		wait := h.wait(now, wall)
		rest := h.sent + h.gather - now
		var err error
		switch {
		case rest > 0 && wait < rest:
			err = h.sleep(rest)
		case wait <= 0:
			err = h.sendDue(now, wall)
		case wait < h.spin:
		case wait < idle:
			err = h.sleep(wait - h.spin)
		case drained == 0:
			err = h.sleepEmpty(nil)
		case now-drained < grace:
			err = h.sleepEmpty(timespec(grace))
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// idle is the wait for the head of an empty ring.
const idle = time.Duration(1<<63 - 1)

// wait returns for how long the head has still to be held.
func (h *holder) wait(now time.Duration, wall int64) time.Duration {
	if !h.known {
		head := h.ring.header(0)
		if head == nil {
			return idle
		}
		h.due, h.known = now+h.remaining(head, wall), true
	}
	return h.due - now
}

// remaining returns for how long a packet has still to be held: never longer
// than the delay, should the wall clock have been put back.
func (h *holder) remaining(head *unix.Tpacket2Hdr, wall int64) time.Duration {
	stamp := int64(head.Sec)*int64(time.Second) + int64(head.Nsec)
	return min(h.delay-time.Duration(wall-stamp), h.delay)
}

// sleep waits so long, or until it is told to stop.
func (h *holder) sleep(wait time.Duration) error { return h.poll(h.events[:2], timespec(wait)) }

// sleepEmpty waits until a packet comes into the ring, which was empty when it
// was last looked at: one that has come since ends it at once.
func (h *holder) sleepEmpty(timeout *unix.Timespec) error { return h.poll(h.events[:3], timeout) }

func (h *holder) poll(events []unix.PollFd, timeout *unix.Timespec) error {
	_, err := unix.Ppoll(events, timeout, nil)
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("wait for packets: %w", err)
	}
	for _, e := range events[1:] {
		if e.Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
			return errGone
		}
	}
	return nil
}

var errGone = errors.New("the interface went down or away")

// sendDue sends the packets that are due, at most a batch.
func (h *holder) sendDue(now time.Duration, wall int64) error {
	n, frames := 0, 0
	for ; n < batch; frames++ {
		head := h.ring.header(frames)
		if head == nil {
			break
		}
		due := now + h.remaining(head, wall)
		if frames == 0 {
			due = h.due
		}
		if due > now {
			break
		}
		packet := h.ring.packet(frames, head)
		if !h.ring.outgoing(frames) {
			continue // not redirected but received
		}
		if source(packet, h.own) {
			h.skipped.Add(1)
			continue
		}
		if head.Snaplen < head.Len || len(packet) == 0 {
			continue // cut short: never in is out, so it counts as dropped
		}
		h.vectors[n].Base = unsafe.SliceData(packet)
		h.vectors[n].SetLen(len(packet))
		h.owed[n] = due
		n++
	}
	err := h.sendAll(n)
	h.ring.free(frames)
	h.known = false
	return err
}

// sendAll sends the first n messages and counts them.
func (h *holder) sendAll(n int) error {
	var refused time.Duration // since when
	tries := 0
	for i := 0; i < n; {
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(h.send), uintptr(unsafe.Pointer(&h.messages[i])), uintptr(n-i), 0, 0, 0)
		now, _ := h.now()
		switch errno {
		case 0:
			h.sent = now
			h.mu.Lock()
			for _, due := range h.owed[i : i+int(sent)] {
				h.stats.Lateness.add(now - due)
			}
			h.stats.Out += uint64(sent)
			h.mu.Unlock()
			i += int(sent)
			tries = 0
			continue
		case unix.EINTR:
			continue
		case unix.ENOBUFS, unix.EAGAIN:
			if tries++; tries == 1 {
				refused = now
			}
			if (now-refused < patience || tries < refusals) && !h.quit.Load() {
				_, _ = unix.Ppoll(nil, timespec(10*time.Microsecond), nil)
				continue
			}
		case unix.ENETDOWN, unix.ENXIO, unix.ENODEV:
			return errGone
		}
		h.mu.Lock()
		h.stats.Drops++
		h.mu.Unlock()
		i++
		tries = 0
	}
	return nil
}
