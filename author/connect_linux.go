package author

import (
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// sources is how many addresses the author connects from towards a loopback
// address. The kernel tries 14,000 ports of each at first, and may use one again
// after a second: four are enough for 50,000 events per second. More would fill
// the table of connections (nf_conntrack) of a machine with a firewall or Docker,
// which remembers each address and port for two minutes.
const sources = 4

// socketAddress returns an address for the kernel, with its family.
func socketAddress(a *net.TCPAddr) (family int, _ unix.Sockaddr, err error) {
	if ip := a.IP.To4(); ip != nil {
		return unix.AF_INET, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(ip)}, nil
	}
	if ip := a.IP.To16(); ip != nil {
		s := &unix.SockaddrInet6{Port: a.Port, Addr: [16]byte(ip)}
		if a.Zone != "" {
			nic, err := net.InterfaceByName(a.Zone)
			if err != nil {
				return 0, nil, err
			}
			s.ZoneId = uint32(nic.Index)
		}
		return unix.AF_INET6, s, nil
	}
	return 0, nil, fmt.Errorf("got address %q, want host:port", a)
}

// connect begins the connection of an event, without waiting.
func (w *worker) connect(fd, event int) error {
	if w.loopback {
		// The kernel chooses the port when it knows both ends. Without the
		// addresses (in an odd network namespace) it chooses ours, too.
		w.source.Addr[3] = byte(1 + event%sources)
		if unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1) == nil {
			_ = unix.Bind(fd, &w.source)
		}
	}
	if event%connectSampling != 0 {
		return unix.Connect(fd, w.address)
	}
	before := threadTime()
	err := unix.Connect(fd, w.address)
	w.load.connects.add(event*len(w.load.connects)/len(w.load.results), threadTime()-before)
	return err
}

// exhausted returns a connection's error with what to do about it if this side
// has run out of something, and nil for any other.
func exhausted(err error) error {
	switch {
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("no more ephemeral ports: each event takes one for the minute that its connection stays in "+
			"TIME_WAIT: set net.ipv4.tcp_tw_reuse to 1, widen net.ipv4.ip_local_port_range, send fewer events, or "+
			"wait: %w", err)
	case errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE):
		return fmt.Errorf("no more file descriptors: raise the limit (ulimit -n) above the number of connections: "+
			"%w", err)
	case errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENOMEM):
		return err
	}
	return nil
}

// outcomeOf returns the outcome that a socket's error means.
func outcomeOf(err error) Outcome {
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return Refused
	case errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH):
		return Unreachable
	case errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNABORTED):
		return Reset
	case errors.Is(err, unix.ETIMEDOUT):
		return TimedOut
	}
	return Other
}

// threadTime returns the CPU time that the calling thread has used.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
