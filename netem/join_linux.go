package netem

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The two ends of a pair. The network is private (RFC 1918), and a namespace
// of its own has no other.
const (
	authorEnd = "author0"
	brokerEnd = "broker0"
	network   = 30 // bits
)

// side is one of the two namespaces of a pair.
type side struct {
	end  string
	addr netip.Addr
	mac  net.HardwareAddr // locally administered
}

func sides() (author, broker side) {
	return side{authorEnd, netip.AddrFrom4([4]byte{10, 98, 0, 1}), net.HardwareAddr{2, 'v', 't', 'p', 0, 1}},
		side{brokerEnd, netip.AddrFrom4([4]byte{10, 98, 0, 2}), net.HardwareAddr{2, 'v', 't', 'p', 0, 2}}
}

// sysctls are set in both namespaces. Each event takes a port of the author's,
// and where the author closes first, the port rests in TIME_WAIT for a minute.
// With half of them resting, the kernel searches through all at each connect,
// unless it may use one again after a second.
var sysctls = [...]struct{ path, value string }{
	{"/proc/sys/net/ipv4/tcp_tw_reuse", "1"},
	{"/proc/sys/net/ipv4/ip_local_port_range", "1024 65535"},
	{"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
	{"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
}

// join makes the calling process's network namespace the author's, that of
// process pid the broker's, and joins them.
func join(pid int) (*holding, error) {
	author, broker := sides()
	said := &holding{Interface: author.end, AuthorAddr: author.addr, BrokerAddr: broker.addr, Broker: pid}
	tune()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = author.end, author.mac
	err := netlink.LinkAdd(&netlink.Veth{
		LinkAttrs: attrs, PeerName: broker.end, PeerHardwareAddr: broker.mac, PeerNamespace: netlink.NsPid(pid),
	})
	if err != nil {
		return nil, fmt.Errorf("make a veth pair (it needs the kernel module veth): %w", err)
	}
	if err := author.up(broker); err != nil {
		return nil, err
	}
	return said, inside(pid, func() error {
		tune()
		return broker.up(author)
	})
}

// tune sets the sysctls. Where one can't be set, most runs do without it, and
// an author whose ports run out says so.
func tune() {
	for _, s := range sysctls {
		_ = os.WriteFile(s.path, []byte(s.value), 0)
	}
}

// up brings up one side, in its namespace, which knows its neighbour from the
// start: nothing has to be resolved.
func (s side) up(neighbour side) error {
	for _, name := range []string{"lo", s.end} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("look up the interface %s: %w", name, err)
		}
		if name == s.end {
			if err := s.address(link, neighbour); err != nil {
				return err
			}
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("bring up the interface %s: %w", name, err)
		}
	}
	return nil
}

func (s side) address(link netlink.Link, neighbour side) error {
	mask := net.CIDRMask(network, 32)
	if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: s.addr.AsSlice(), Mask: mask}}); err != nil {
		return fmt.Errorf("give %s the address %v: %w", s.end, s.addr, err)
	}
	err := netlink.NeighSet(&netlink.Neigh{
		LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT,
		IP: neighbour.addr.AsSlice(), HardwareAddr: neighbour.mac,
	})
	if err != nil {
		return fmt.Errorf("make %v a neighbour of %s: %w", neighbour.addr, s.end, err)
	}
	return nil
}

// inside runs f on a thread in the network namespace of the process pid.
func inside(pid int, f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		back, err := enter(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err != nil {
			runtime.UnlockOSThread()
			result <- err
			return
		}
		err = f()
		// A thread that ended with its goroutine wouldn't have to go back,
		// but the first one of a process doesn't end, and the process's
		// namespace is that of its first thread.
		if lost := back(); lost != nil {
			err = errors.Join(err, lost)
		} else {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}

// enter takes the calling thread into a network namespace, and back takes it
// back again.
func enter(path string) (back func() error, err error) {
	old, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the thread's network namespace: %w", err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		_ = unix.Close(old)
		return nil, fmt.Errorf("open the network namespace %s: %w", path, err)
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		_ = unix.Close(old)
		return nil, answer(err, "enter the network namespace "+path)
	}
	return func() error {
		defer unix.Close(old)
		if err := unix.Setns(old, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("return to the thread's network namespace: %w", err)
		}
		return nil
	}, nil
}
