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
	// The sending thread sleeps until this long before a packet is due, and
	// then spins: waking up may take as long. A thread that runs before
	// others wakes up sooner.
	spin      = 100 * time.Microsecond
	spinFirst = 30 * time.Microsecond
	// gather is the least time between two system calls that send: packets
	// that come close together are sent at once, which takes less of the CPU.
	// It is at most one part in gatherPart of the delay.
	gather     = 100 * time.Microsecond
	gatherPart = 200
	// batch is the most packets that one system call sends.
	batch = 64
	// A packet that the interface refuses for want of room is dropped once
	// that has lasted for patience and happened refusals times. Time alone
	// doesn't count: a thread that hasn't run meanwhile hasn't asked.
	patience = 10 * time.Millisecond
	refusals = 50
	// grace is how long a queue that drains waits for packets that were
	// redirected before the filter was removed.
	grace = 5 * time.Millisecond
	// clockStep is the jump of the wall clock that is noticed.
	clockStep = time.Millisecond
)

// queue takes packets from the ring and sends each when it is due, on a thread
// of its own.
type queue struct {
	ring   *ring
	delay  time.Duration
	gather time.Duration
	own    net.HardwareAddr // of the pair's end: packets of its own are skipped
	send   int              // packet socket that sends
	watch  int              // packet socket that fails when the interface goes
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

	// The following belong to the sending thread.
	spin     time.Duration
	due      time.Duration // when the head is due, since base
	known    bool          // due is valid
	sent     time.Duration // when packets were last sent, since base
	messages [batch]message
	vectors  [batch]unix.Iovec
	dues     [batch]time.Duration // of the messages, since base
	step     time.Duration        // wall clock less monotonic clock, as last read
	events   [3]unix.PollFd
}

// message is the kernel's mmsghdr.
type message struct {
	header unix.Msghdr
	sent   uint32
	_      [4]byte
}

// newQueue makes the queue of the packets that are redirected into the
// interface in, to be sent on link.
func newQueue(link, in *netlink.LinkAttrs, d Delay) (_ *queue, err error) {
	q := &queue{
		delay: d.OneWay, gather: min(gather, d.OneWay/gatherPart), own: in.HardwareAddr, base: time.Now(),
		send: -1, watch: -1, wake: -1, ended: make(chan struct{}), failed: make(chan struct{}),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, q.close())
		}
	}()
	if q.ring, err = newRing(in.Index, link.MTU, d.Packets, d.packets(leastFrames)); err != nil {
		return nil, err
	}
	if q.send, err = packetSocket(); err != nil {
		return nil, err
	}
	if q.watch, err = packetSocket(); err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(q.send, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1); err != nil {
		return nil, &unsupported{
			Missing: "the socket option PACKET_QDISC_BYPASS", Cause: err.Error(),
			Remedy: "it needs Linux 3.14 or newer",
		}
	}
	// As large as the system allows: a packet takes room until the other side
	// has taken it.
	if unix.SetsockoptInt(q.send, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, 8<<20) != nil {
		_ = unix.SetsockoptInt(q.send, unix.SOL_SOCKET, unix.SO_SNDBUF, 8<<20)
	}
	if err := bind(q.send, link.Index, 0); err != nil {
		return nil, err
	}
	// Only a socket that listens is told that its interface has gone. This one
	// listens for a protocol that nobody sends.
	if err := bind(q.watch, link.Index, unix.ETH_P_LOOP); err != nil {
		return nil, err
	}
	if q.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("make an eventfd: %w", err)
	}
	q.events = [3]unix.PollFd{
		{Fd: int32(q.wake), Events: unix.POLLIN},
		{Fd: int32(q.watch)},
		{Fd: int32(q.ring.fd), Events: unix.POLLIN},
	}
	for i := range q.messages {
		q.messages[i].header.Iov = &q.vectors[i]
		q.messages[i].header.SetIovlen(1)
	}
	return q, nil
}

// start starts the sending thread.
func (q *queue) start() {
	running := make(chan struct{})
	go func() {
		defer close(q.ended)
		// The thread isn't unlocked: it ends with the goroutine, and its
		// timer slack with it.
		runtime.LockOSThread()
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		q.spin = spin
		if runsFirst() {
			q.spin = spinFirst
		}
		close(running)
		err := q.run()
		var usage unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_THREAD, &usage)
		q.mu.Lock()
		q.err = err
		q.stats.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
		q.mu.Unlock()
		if err != nil {
			close(q.failed)
		}
	}()
	<-running
}

// stop ends the sending thread: at once, or if drain is set after it has sent
// the last packet.
func (q *queue) stop(drain bool) {
	if drain {
		q.drain.Store(true)
	} else {
		q.quit.Store(true)
	}
	_, _ = unix.Write(q.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-q.ended
}

func (q *queue) close() error {
	var err error
	for _, fd := range []int{q.send, q.watch, q.wake} {
		if fd >= 0 {
			err = errors.Join(err, unix.Close(fd))
		}
	}
	if q.ring != nil {
		err = errors.Join(err, q.ring.close())
	}
	return err
}

func (q *queue) statistics() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Lateness.Counts = append([]uint64(nil), s.Lateness.Counts...)
	return s
}

func (q *queue) failure() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// now returns the time since base, and the wall clock, which the time stamps
// of the ring are in.
func (q *queue) now() (since time.Duration, wall int64) {
	t := time.Now()
	return t.Sub(q.base), t.UnixNano()
}

// clocks reads both clocks by now, and counts the jumps of the wall clock: the
// packets in the queue at a jump leave at the wrong time. The clocks are read
// one after the other. A thread that is interrupted in between sees a jump that
// isn't there when it reads them again.
func (q *queue) clocks(now func() (time.Duration, int64)) (since time.Duration, wall int64) {
	for range 3 {
		since, wall = now()
		if (time.Duration(wall) - since - q.step).Abs() <= clockStep {
			q.step = time.Duration(wall) - since
			return since, wall
		}
	}
	q.step = time.Duration(wall) - since
	q.mu.Lock()
	q.stats.ClockSteps++
	q.mu.Unlock()
	return since, wall
}

// run sends packets when they are due, until it is stopped or the interface
// goes.
func (q *queue) run() error {
	since, wall := q.now()
	q.step = time.Duration(wall) - since
	var drained time.Duration // since when it drains
	for !q.quit.Load() {
		now, wall := q.clocks(q.now)
		if drained == 0 && q.drain.Load() {
			drained = now
			q.events[0].Fd = -1 // it has been told
		}
		wait := q.wait(now, wall)
		rest := q.sent + q.gather - now
		var err error
		switch {
		case rest > 0 && wait < rest:
			err = q.sleep(rest)
		case wait <= 0:
			err = q.sendDue(now, wall)
		case wait < q.spin:
		case wait < forever:
			err = q.sleep(wait - q.spin)
		case drained == 0:
			err = q.sleepEmpty(nil)
		case now-drained < grace:
			err = q.sleepEmpty(timespec(grace))
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forever is how long an empty ring is waited for.
const forever = time.Duration(1<<63 - 1)

// wait returns the time until the head of the ring is due.
func (q *queue) wait(now time.Duration, wall int64) time.Duration {
	if !q.known {
		head := q.ring.header(0)
		if head == nil {
			return forever
		}
		q.due, q.known = now+q.remaining(head, wall), true
	}
	return q.due - now
}

// remaining returns the time until a packet is due: at most the delay, in case
// the wall clock has been put back.
func (q *queue) remaining(head *unix.Tpacket2Hdr, wall int64) time.Duration {
	stamp := int64(head.Sec)*int64(time.Second) + int64(head.Nsec)
	return min(q.delay-time.Duration(wall-stamp), q.delay)
}

// sleep waits for that time, or until it is told to stop.
func (q *queue) sleep(wait time.Duration) error { return q.poll(q.events[:2], timespec(wait)) }

// sleepEmpty waits for a packet in the empty ring. A packet that has come since
// the ring was found empty ends the wait at once.
func (q *queue) sleepEmpty(timeout *unix.Timespec) error { return q.poll(q.events[:3], timeout) }

func (q *queue) poll(events []unix.PollFd, timeout *unix.Timespec) error {
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

// sendDue sends the packets that are due, up to a batch of them.
func (q *queue) sendDue(now time.Duration, wall int64) error {
	n, frames := 0, 0
	for ; n < batch; frames++ {
		head := q.ring.header(frames)
		if head == nil {
			break
		}
		due := now + q.remaining(head, wall)
		if frames == 0 {
			due = q.due
		}
		if due > now {
			break
		}
		packet := q.ring.packet(frames, head)
		if !q.ring.outgoing(frames) {
			continue // it was received, not redirected
		}
		if source(packet, q.own) {
			q.skipped.Add(1)
			continue
		}
		if head.Snaplen < head.Len || len(packet) == 0 {
			continue // it was cut short: not sent, it counts as dropped
		}
		q.vectors[n].Base = unsafe.SliceData(packet)
		q.vectors[n].SetLen(len(packet))
		q.dues[n] = due
		n++
	}
	err := q.sendAll(n)
	q.ring.free(frames)
	q.known = false
	return err
}

// sendAll sends the first n messages and counts them.
func (q *queue) sendAll(n int) error {
	var refused time.Duration // since when it has been, since base
	tries := 0
	for i := 0; i < n; {
		sent, _, errno := unix.Syscall6(unix.SYS_SENDMMSG,
			uintptr(q.send), uintptr(unsafe.Pointer(&q.messages[i])), uintptr(n-i), 0, 0, 0)
		now, _ := q.now()
		switch errno {
		case 0:
			q.sent = now
			q.mu.Lock()
			for _, due := range q.dues[i : i+int(sent)] {
				q.stats.Lateness.add(now - due)
			}
			q.stats.Out += uint64(sent)
			q.mu.Unlock()
			i += int(sent)
			tries = 0
			continue
		case unix.EINTR:
			continue
		case unix.ENOBUFS, unix.EAGAIN:
			if tries++; tries == 1 {
				refused = now
			}
			if (now-refused < patience || tries < refusals) && !q.quit.Load() {
				_, _ = unix.Ppoll(nil, timespec(10*time.Microsecond), nil)
				continue
			}
		case unix.ENETDOWN, unix.ENXIO, unix.ENODEV:
			return errGone
		}
		q.mu.Lock()
		q.stats.Drops++
		q.mu.Unlock()
		i++
		tries = 0
	}
	return nil
}
