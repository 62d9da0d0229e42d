package author

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

// An answer has arrived when the kernel has received it. The worker reads it when
// it comes to that connection: after others whose answers arrived with it, and
// when this process has a processor. Neither is the broker's time. See
// SO_TIMESTAMPNS in socket(7).

// stampArrivals lets the kernel note when what a socket receives arrives. Where it
// doesn't, the time of reading is taken.
func stampArrivals(fd int) { _ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) }

// stampingSocket returns a socket that keeps the kernel noting arrivals: it stops
// with the last socket that wants to know, and to start again is costly. The
// number is below 0 where there is none.
func stampingSocket() (fd int) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	stampArrivals(fd)
	return fd
}

// receive reads what the broker has sent into b, and notes when it arrived.
func (c *conn) receive(b []byte) (n int, err error) {
	n, controls, _, _, err := unix.Recvmsg(c.fd, b, c.control[:], 0)
	if n > 0 {
		c.arrived = arrival(c.control[:controls])
	}
	return n, err
}

// arrival returns the time in the control messages of a read, in nanoseconds since
// 1970, and 0 if there is none.
func arrival(controls []byte) int64 {
	const size = 16 // of a time: seconds and nanoseconds
	header := unix.CmsgLen(0)
	if len(controls) < header+size {
		return 0
	}
	level := binary.NativeEndian.Uint32(controls[header-8:])
	kind := binary.NativeEndian.Uint32(controls[header-4:])
	if level != unix.SOL_SOCKET || kind != unix.SCM_TIMESTAMPNS {
		return 0
	}
	at := controls[header:]
	return int64(binary.NativeEndian.Uint64(at))*int64(time.Second) + int64(binary.NativeEndian.Uint64(at[8:]))
}
