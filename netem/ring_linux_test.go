package netem

import (
	"net"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestRingSize(t *testing.T) {
	for _, test := range []struct {
		mtu, packets, atLeast int
		frame, frames         int
	}{
		{1500, 0, 100, 2048, 32768},
		{1400, 0, 50_000, 2048, 65536},
		{1952, 0, 0, 2048, 32768},
		{1953, 0, 0, 4096, 32768},
		{9000, 0, 50_000, 16384, 16384}, // bounded by memory
		{1500, 1000, 50_000, 2048, 1024},
		{1500, 1, 0, 2048, 64},
		{65535, 0, 0, 131072, 2048},
	} {
		var r ring
		r.size(test.mtu, test.packets, test.atLeast)
		if r.frame != test.frame || r.frames != test.frames {
			t.Errorf("a ring for %d packets (at least %d) of %d bytes has %d frames of %d, want %d of %d",
				test.packets, test.atLeast, test.mtu, r.frames, r.frame, test.frames, test.frame)
		}
	}
}

// newMemory is a ring without a kernel.
func newMemory(frames int) *ring {
	return &ring{fd: -1, frame: 2048, frames: frames, memory: make([]byte, 2048*frames)}
}

// fill does what the kernel does: it fills frame i with a packet.
func (r *ring) fill(i int, stamp time.Time, packet []byte) {
	memory := r.memory[i%r.frames*r.frame:]
	h := (*unix.Tpacket2Hdr)(unsafe.Pointer(&memory[0]))
	*h = unix.Tpacket2Hdr{
		Status: unix.TP_STATUS_USER, Len: uint32(len(packet)), Snaplen: uint32(len(packet)), Mac: 66,
		Sec: uint32(stamp.Unix()), Nsec: uint32(stamp.Nanosecond()),
	}
	(*unix.RawSockaddrLinklayer)(unsafe.Pointer(&memory[linkAddress])).Pkttype = unix.PACKET_OUTGOING
	copy(memory[h.Mac:], packet)
}

func TestRing(t *testing.T) {
	r := newMemory(4)
	if r.header(0) != nil {
		t.Fatal("an empty ring has a packet")
	}
	for turn := range 3 { // around the ring
		for i := range 3 {
			r.fill(turn*3+i, time.Unix(7, 0), []byte{byte(turn), byte(i)})
		}
		for i := range 3 {
			h := r.header(i)
			if h == nil {
				t.Fatalf("turn %d: packet %d isn't there", turn, i)
			}
			if p := r.packet(i, h); string(p) != string([]byte{byte(turn), byte(i)}) || cap(p) != 2 || !r.outgoing(i) {
				t.Errorf("turn %d: packet %d is %v", turn, i, p)
			}
		}
		if r.header(3) != nil {
			t.Errorf("turn %d: there is a fourth packet", turn)
		}
		r.free(3)
		if r.header(0) != nil {
			t.Errorf("turn %d: a packet that was freed is there", turn)
		}
	}
}

// TestClock puts the wall clock, which the ring's time stamps are in, forward
// and back.
func TestClock(t *testing.T) {
	const delay = 10 * time.Millisecond
	now := time.Now()
	for _, test := range []struct {
		stamp time.Duration // of the packet, before now
		want  time.Duration
	}{
		{0, delay},
		{4 * time.Millisecond, 6 * time.Millisecond},
		{delay, 0},
		{15 * time.Millisecond, -5 * time.Millisecond},
		{-time.Hour, delay}, // the clock was put back since
	} {
		q := &queue{ring: newMemory(4), delay: delay}
		q.ring.fill(0, now.Add(-test.stamp), make([]byte, 60))
		if got := q.wait(time.Hour, now.UnixNano()); got != test.want {
			t.Errorf("a packet stamped %v ago is due in %v, want %v", test.stamp, got, test.want)
		}
		// When it is due is decided once.
		if got := q.wait(time.Hour+time.Millisecond, now.UnixNano()+int64(time.Minute)); got != test.want-time.Millisecond {
			t.Errorf("a packet stamped %v ago is due in %v after 1 ms, want %v", test.stamp, got, test.want-time.Millisecond)
		}
	}
}

// TestSleepEmpty lets a packet come after the ring was found empty and before
// the queue sleeps. It must not wait for the next packet.
func TestSleepEmpty(t *testing.T) {
	q := &queue{ring: newMemory(4), base: time.Now()}
	for i := range q.events {
		// An eventfd stands for each: of the ring, it can be read.
		fd, err := unix.Eventfd(uint(i/2), unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		q.events[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	if wait := q.wait(0, 0); wait != forever {
		t.Fatalf("the head of an empty ring is waited for for %v", wait)
	}
	q.ring.fill(0, time.Now(), make([]byte, 60))
	woken := make(chan error, 1)
	go func() { woken <- q.sleepEmpty(nil) }()
	select {
	case err := <-woken:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		_, _ = unix.Write(int(q.events[0].Fd), []byte{1, 0, 0, 0, 0, 0, 0, 0})
		<-woken
		t.Error("it sleeps on")
	}
}

func TestClocks(t *testing.T) {
	const ms = int64(time.Millisecond)
	for _, test := range []struct {
		name  string
		walls []int64 // where the other clock stands still
		steps uint64
	}{
		{"steady", []int64{0, 1, ms / 2, ms}, 0},
		{"slow", []int64{ms, 2 * ms, 3 * ms}, 0}, // 1 ms isn't more than 1 ms
		{"forward", []int64{0, 5 * ms, 5 * ms, 5 * ms, 5 * ms}, 1},
		{"there and back", []int64{5 * ms, 5 * ms, 5 * ms, ms, ms, ms}, 2},
		{"held up between the two", []int64{0, -20 * ms, 0, 0, -3 * ms, -3 * ms, 0}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var q queue
			now := func() (time.Duration, int64) {
				wall := test.walls[0]
				test.walls = test.walls[1:]
				return 0, wall
			}
			for len(test.walls) > 0 {
				_, wall := q.clocks(now)
				if int64(q.step) != wall {
					t.Errorf("clocks returns %d, the clocks differ by %d", wall, q.step)
				}
			}
			if q.stats.ClockSteps != test.steps {
				t.Errorf("%d clock steps were seen, want %d", q.stats.ClockSteps, test.steps)
			}
		})
	}
}

func TestSource(t *testing.T) {
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	packet := append([]byte{1, 1, 1, 1, 1, 1}, append(mac, 8, 0)...)
	if !source(packet, mac) || source(packet[1:], mac) || source(packet[:11], mac) || source(nil, mac) {
		t.Error("the source of a packet is mistaken")
	}
}
