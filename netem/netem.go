// Package netem delays what a network interface sends, by a constant one-way
// time, and takes the delay away again.
//
// There are two kinds. [Kernel] is the queueing discipline sch_netem. Many
// kernels are built without it (WSL2's, those of many clouds and of container
// hosts); there [Userspace] holds each packet in this process until it is due.
// Both delay whole packets, and so the handshake of a connection, its ARP and
// its acknowledgements too, and both keep the order of packets. [Auto] takes
// the kernel's where there is one.
//
// # The user-space kind
//
// An egress filter on the interface redirects every packet into one end of a
// veth pair of the same network namespace, the other end of which leads
// nowhere. What is sent into the pair is read through a memory-mapped ring,
// which is also the queue: the kernel's time stamp in it says when the packet
// came, and the packet leaves from there when it is due, through a packet
// socket that bypasses the filter. Routes, addresses and
// names stay as they are. It needs the capabilities NET_ADMIN and NET_RAW in
// the user namespace that owns the network namespace, and nothing else.
//
// If the process that holds the packets dies, nothing passes undelayed: the
// filter goes on redirecting into the pair, where no one listens any more. A
// run in which that happens stalls and is void, it isn't wrong. [Add] removes
// what such a process left behind.
//
// # Limits
//
// One CPU has to be free when a packet is due: run the user-space kind in a
// process of its own ("cometbench delay"). Below 0.2 ms the emulation's own
// time is larger than the delay.
package netem

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what delays the packets.
type Kind string

const (
	// Auto is Kernel where the kernel has sch_netem, else Userspace.
	Auto Kind = "auto"
	// Kernel is the queueing discipline sch_netem.
	Kernel Kind = "kernel"
	// Userspace holds packets in the calling process.
	Userspace Kind = "userspace"
)

// ParseKind returns the kind named s. The empty string is [Auto].
func ParseKind(s string) (Kind, error) {
	switch k := Kind(s); k {
	case "":
		return Auto, nil
	case Auto, Kernel, Userspace:
		return k, nil
	}
	return "", fmt.Errorf("unknown kind of delay %q: it is one of auto, kernel, userspace", s)
}

// ErrUnsupported is what errors are (as [errors.Is] says) that come from the
// system lacking something: a capability, a kernel module, a device. Their
// text says what is missing and what to do about it.
var ErrUnsupported = errors.New("not supported here")

// Error is the want of something on this system.
type Error struct {
	// Missing names what is missing, such as "the capability NET_ADMIN".
	Missing string
	// Remedy says what to do about it.
	Remedy string
	// Err is what the system answered, nil where it wasn't asked.
	Err error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Missing)
	b.WriteString(" is missing")
	if e.Err != nil {
		fmt.Fprintf(&b, " (%v)", e.Err)
	}
	if e.Remedy != "" {
		b.WriteString(": ")
		b.WriteString(e.Remedy)
	}
	return b.String()
}

// Unwrap returns what the system answered.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is [ErrUnsupported].
func (e *Error) Is(target error) bool { return target == ErrUnsupported }

// MaxOneWay is the longest delay that can be asked for. sch_netem counts in a
// 32-bit number of 64 ns.
const MaxOneWay = 60 * time.Second

// nominalRate is the packets per second that queues are sized for: more than
// two cores send over a veth pair.
const nominalRate = 100_000

// Delay is a one-way delay on what an interface sends.
type Delay struct {
	// Interface is the name of the interface, such as "eth0", in the network
	// namespace of the calling thread.
	Interface string
	// OneWay is the delay: above 0, at most [MaxOneWay].
	OneWay time.Duration
	// Kind is what is to delay the packets. The zero value is [Auto].
	Kind Kind
	// Packets is how many packets the queue holds before further ones are
	// dropped. 0 is enough for 100,000 packets/s.
	Packets int
	// Alone says that the calling process does nothing else: all its threads
	// may get priority over those of others, where the system allows it.
	Alone bool
}

// packets returns the size of the queue in packets, at least least.
func (d Delay) packets(least int) int {
	if d.Packets > 0 {
		return d.Packets
	}
	return max(least, int(d.OneWay.Seconds()*nominalRate))
}

func (d Delay) check() error {
	switch {
	case d.Interface == "":
		return errors.New("no interface to delay was named")
	case d.OneWay <= 0 || d.OneWay > MaxOneWay:
		return fmt.Errorf("delay of %v on %s: it must be above 0 and at most %v", d.OneWay, d.Interface, MaxOneWay)
	case d.Packets < 0:
		return fmt.Errorf("queue of %d packets on %s: it must not be negative", d.Packets, d.Interface)
	}
	_, err := ParseKind(string(d.Kind))
	return err
}
