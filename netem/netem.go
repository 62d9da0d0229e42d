// Package netem delays what a network interface sends by a constant one-way
// time, and measures that it does.
//
// There are two kinds of delay. [Kernel] is the queueing discipline sch_netem.
// Many kernels are built without it: WSL2's, and those of many clouds and
// container hosts. There [Userspace] keeps each packet in a queue of this
// process until it is due. Both kinds delay whole packets, and so the handshake
// of a connection, its ARP and its acknowledgements too, and both keep the order
// of packets. [Auto] takes the kernel's delay where there is one.
//
// [NewPair] makes two network namespaces for the two sides of a connection.
// [Delay.Run] delays one side, in a process of its own. [RTT] measures the round
// trip, and [CheckRTT] compares it with what was asked for.
//
// # The user-space kind
//
// An egress filter on the interface redirects every packet into one end of a
// veth pair of the same network namespace. The other end leads nowhere. What is
// sent into the pair is read through a memory-mapped ring, which is the queue:
// the kernel's time stamp in it says when the packet came. When the packet is
// due it leaves from there through a packet socket that bypasses the filter.
// Routes, addresses and names stay as they are. All this needs the capabilities
// NET_ADMIN and NET_RAW in the user namespace that owns the network namespace.
//
// If the process dies, no packet passes undelayed: the filter goes on
// redirecting into the pair, where nothing reads any more. A run in which that
// happens stalls and is void, but not wrong. The next delay of the interface
// removes what is left.
//
// # Limits
//
// The process needs a processor when a packet is due. Below 0.2 ms the process
// itself takes longer than the delay.
package netem

import (
	"errors"
	"fmt"
	"time"
)

// Kind is a kind of delay.
type Kind string

const (
	// Auto is Kernel where the kernel has sch_netem, else Userspace.
	Auto Kind = "auto"
	// Kernel is the queueing discipline sch_netem.
	Kernel Kind = "kernel"
	// Userspace keeps packets in a queue of the process that calls Run.
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
	return "", fmt.Errorf("got the kind of delay %q, want auto, kernel or userspace", s)
}

// MaxOneWay is the longest delay. (sch_netem could do 2^32 times 64 ns, 274 s.)
const MaxOneWay = 60 * time.Second

// nominalRate is the number of packets per second that queues are sized for:
// more than two cores can send over a veth pair.
const nominalRate = 100_000

// Delay is a one-way delay of what an interface sends.
type Delay struct {
	// Interface is the name of the interface, such as "eth0".
	Interface string
	// OneWay is the delay: above 0, at most [MaxOneWay].
	OneWay time.Duration
	// Kind is what is to delay the packets. The zero value is [Auto].
	Kind Kind
	// Packets is the size of the queue. A packet that finds it full is
	// dropped. The zero value is enough for 100,000 packets/s.
	Packets int
}

// packets returns the size of the queue in packets, where it isn't set at
// least least.
func (d Delay) packets(least int) int {
	if d.Packets > 0 {
		return d.Packets
	}
	return max(least, int(d.OneWay.Seconds()*nominalRate))
}

func (d Delay) check() error {
	switch {
	case d.Interface == "":
		return errors.New("no interface to delay was named: name one")
	case d.OneWay <= 0 || d.OneWay > MaxOneWay:
		return fmt.Errorf("delay of %s: got %v, want more than 0 and at most %v", d.Interface, d.OneWay, MaxOneWay)
	case d.Packets < 0:
		return fmt.Errorf("queue of %s: got %d packets, want 0 or more", d.Interface, d.Packets)
	}
	_, err := ParseKind(string(d.Kind))
	return err
}

// Ready is the line of JSON by which [Delay.Run] reports that the delay is in
// force, or that this machine lacks something.
type Ready struct {
	// Ready is set if the delay is in force.
	Ready bool `json:"ready"`
	// Kind is what delays the packets: [Kernel] or [Userspace].
	Kind      Kind          `json:"kind"`
	Interface string        `json:"interface"`
	OneWay    time.Duration `json:"latency_ns"`
	// Packets is the size of the queue.
	Packets int `json:"packets"`
	// Unsupported is an [ErrUnsupported], nil if the delay is in force.
	Unsupported *unsupported `json:"unsupported,omitempty"`
}
