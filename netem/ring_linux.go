package netem

import (
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// frameOverhead is what a frame of the ring needs beside the packet: its
	// header, the link-layer address and the Ethernet header.
	frameOverhead = 96
	// leastFrames and mostBytes bound a ring that is sized by the delay.
	leastFrames = 32_768
	mostBytes   = 256 << 20
	// linkAddress is where the sockaddr_ll of a frame begins: behind the
	// header, aligned to 16 bytes.
	linkAddress = (unix.SizeofTpacket2Hdr + 15) &^ 15
)

// ring is the memory-mapped receive ring of a packet socket: the queue of
// delayed packets. The kernel fills its frames in order; they are ours, from
// the head on, until they are freed.
type ring struct {
	fd     int
	memory []byte
	frame  int // bytes a frame
	frames int
	head   int
}

// newRing makes a ring for at least packets packets of mtu bytes on the
// interface with that index. With packets 0 it is sized by atLeast, and may be
// smaller where packets are large.
func newRing(index, mtu, packets, atLeast int) (_ *ring, err error) {
	fd, err := packetSocket()
	if err != nil {
		return nil, err
	}
	r := &ring{fd: fd}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	r.size(mtu, packets, atLeast)
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2); err != nil {
		return nil, &unsupported{
			Missing: "the packet ring of the kernel", Cause: err.Error(),
			Remedy: "it needs Linux 2.6.27 or newer with CONFIG_PACKET",
		}
	}
	block := max(r.frame, 1<<16)
	req := unix.TpacketReq{
		Block_size: uint32(block),
		Block_nr:   uint32(r.frames * r.frame / block),
		Frame_size: uint32(r.frame),
		Frame_nr:   uint32(r.frames),
	}
	if err := unix.SetsockoptTpacketReq(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return nil, fmt.Errorf("make a packet ring of %d frames of %d bytes (%d MiB): %w",
			r.frames, r.frame, r.frames*r.frame>>20, err)
	}
	r.memory, err = unix.Mmap(fd, 0, r.frames*r.frame, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("map the packet ring of %d MiB: %w", r.frames*r.frame>>20, err)
	}
	if err := bind(fd, index, unix.ETH_P_ALL); err != nil {
		return nil, err
	}
	return r, nil
}

// size chooses the frames: a power of two that holds a packet, and as many as
// are needed to fill whole blocks.
func (r *ring) size(mtu, packets, atLeast int) {
	r.frame = 1 << bits.Len(uint(max(mtu+frameOverhead, 2048)-1))
	r.frames = packets
	if packets == 0 {
		r.frames = min(max(leastFrames, atLeast), mostBytes/r.frame)
	}
	r.frames = 1 << bits.Len(uint(max(r.frames, 64)-1))
}

func (r *ring) close() error {
	var err error
	if r.memory != nil {
		err = unix.Munmap(r.memory)
		r.memory = nil
	}
	return errors.Join(err, unix.Close(r.fd))
}

// header returns the header of the i-th frame from the head, nil while the
// kernel hasn't filled it.
func (r *ring) header(i int) *unix.Tpacket2Hdr {
	offset := (r.head + i) % r.frames * r.frame
	h := (*unix.Tpacket2Hdr)(unsafe.Pointer(&r.memory[offset]))
	if atomic.LoadUint32(&h.Status)&unix.TP_STATUS_USER == 0 {
		return nil
	}
	return h
}

// packet returns the packet of the i-th frame from the head, from its
// Ethernet header on. It is valid until the frame is freed.
func (r *ring) packet(i int, h *unix.Tpacket2Hdr) []byte {
	offset := (r.head+i)%r.frames*r.frame + int(h.Mac)
	return r.memory[offset : offset+int(h.Snaplen) : offset+int(h.Snaplen)]
}

// outgoing reports whether the i-th packet from the head was sent by the
// ring's interface itself.
func (r *ring) outgoing(i int) bool {
	offset := (r.head+i)%r.frames*r.frame + linkAddress
	address := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&r.memory[offset]))
	return address.Pkttype == unix.PACKET_OUTGOING
}

// free gives the first n frames back to the kernel.
func (r *ring) free(n int) {
	for i := range n {
		offset := (r.head + i) % r.frames * r.frame
		h := (*unix.Tpacket2Hdr)(unsafe.Pointer(&r.memory[offset]))
		atomic.StoreUint32(&h.Status, unix.TP_STATUS_KERNEL)
	}
	r.head = (r.head + n) % r.frames
}

// packetSocket makes a packet socket that receives nothing yet.
func packetSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.EPERM):
		return -1, &unsupported{
			Missing: "the capability NET_RAW (to open a packet socket)",
			Cause:   err.Error(),
			Remedy:  "in a container add it (docker run --cap-add NET_RAW), else run as root",
		}
	case errors.Is(err, unix.EAFNOSUPPORT):
		return -1, &unsupported{
			Missing: "the kernel module af_packet", Cause: err.Error(), Remedy: `try "modprobe af_packet" on the host`,
		}
	case err != nil:
		return -1, fmt.Errorf("open a packet socket: %w", err)
	}
	return fd, nil
}

// bind binds a packet socket to an interface. With the protocol 0 it receives
// nothing.
func bind(fd, index int, protocol uint16) error {
	address := unix.SockaddrLinklayer{Protocol: protocol<<8 | protocol>>8, Ifindex: index}
	if err := unix.Bind(fd, &address); err != nil {
		return fmt.Errorf("bind a packet socket to interface number %d: %w", index, err)
	}
	return nil
}
