package netem

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

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

// end is the end of the veth pair in one of the two namespaces.
type end struct {
	name string
	addr netip.Addr
	mac  net.HardwareAddr // locally administered
}

func ends() (author, broker end) {
	return end{authorEnd, netip.AddrFrom4([4]byte{10, 98, 0, 1}), net.HardwareAddr{2, 'v', 't', 'p', 0, 1}},
		end{brokerEnd, netip.AddrFrom4([4]byte{10, 98, 0, 2}), net.HardwareAddr{2, 'v', 't', 'p', 0, 2}}
}

// sysctls are set in both namespaces. Each event takes a port of the author's,
// and where the author closes first, the port rests in TIME_WAIT for a minute.
// With half of them resting, the kernel searches through all at each connect,
// unless it may use one again after a second.
var sysctls = [...]struct{ path, value string }{
	{"/proc/sys/net/ipv4/ip_local_port_range", "1024 65535"},
	{"/proc/sys/net/ipv4/tcp_tw_reuse", "1"},
	{"/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"},
	{"/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"},
}

// join joins the network namespace of the calling process, the author's, to
// that of the process pid, the broker's.
func join(pid int) (pairReport, error) {
	author, broker := ends()
	tune()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = author.name, author.mac
	err := netlink.LinkAdd(&netlink.Veth{
		LinkAttrs: attrs, PeerName: broker.name, PeerHardwareAddr: broker.mac, PeerNamespace: netlink.NsPid(pid),
	})
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		err = noVeth(err)
	case err != nil:
		err = fmt.Errorf("make a veth pair: %w", err)
	default:
		err = author.up(broker)
	}
	if err == nil {
		err = inside(pid, func() error {
			tune()
			return broker.up(author)
		})
	}
	report := pairReport{Interface: author.name, AuthorAddr: author.addr, BrokerAddr: broker.addr, Broker: pid}
	return report, refused(err, unix.EPERM, unix.EACCES)
}

// noVeth is the want of the kernel module veth.
func noVeth(err error) error {
	return &unsupported{Missing: "the kernel module veth", Cause: err.Error(),
		Remedy: `try "modprobe veth" on the host`}
}

// tune sets the sysctls. Where one can't be set, most runs do without it, and
// an author whose ports run out says so.
func tune() {
	for _, s := range sysctls {
		_ = os.WriteFile(s.path, []byte(s.value), 0)
	}
}

// up brings up one end, in its namespace. It knows its neighbour from the
// start, so that no run waits for ARP.
func (e end) up(neighbour end) error {
	for _, name := range []string{"lo", e.name} {
		link, err := netlink.LinkByName(name)
		if err != nil {
			return fmt.Errorf("look up the interface %s: %w", name, err)
		}
		if name == e.name {
			if err := e.address(link, neighbour); err != nil {
				return err
			}
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("bring up the interface %s: %w", name, err)
		}
	}
	return nil
}

func (e end) address(link netlink.Link, neighbour end) error {
	mask := net.CIDRMask(network, 32)
	if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: e.addr.AsSlice(), Mask: mask}}); err != nil {
		return fmt.Errorf("give %s the address %v: %w", e.name, e.addr, err)
	}
	err := netlink.NeighSet(&netlink.Neigh{
		LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT,
		IP: neighbour.addr.AsSlice(), HardwareAddr: neighbour.mac,
	})
	if err != nil {
		return fmt.Errorf("make %v a neighbour of %s: %w", neighbour.addr, e.name, err)
	}
	return nil
}
