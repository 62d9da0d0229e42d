package netem

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// userspaceDelay is a delay by this process: a veth pair, a filter that
// redirects into one end of it, and a queue that reads what is sent there.
// (Reading it at the other end would add a queue of the kernel's, which drops.)
type userspaceDelay struct {
	h     *netlink.Handle
	link  netlink.Link
	in    netlink.Link // the end that the filter redirects into
	queue *queue
}

// pairNames returns the names of the two ends of the pair that delays the
// interface with that index.
func pairNames(index int) (in, out string) {
	return fmt.Sprintf("cbd%din", index), fmt.Sprintf("cbd%dout", index)
}

func addUserspace(h *netlink.Handle, link netlink.Link, d Delay) (_ *userspaceDelay, err error) {
	if kind := link.Attrs().EncapType; kind != "ether" {
		return nil, fmt.Errorf("got an interface of the kind %q, want Ethernet: others can't be delayed in user "+
			"space", kind)
	}
	u := &userspaceDelay{h: h, link: link}
	if err := u.clear(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, u.undo())
		}
	}()
	out, err := u.addPair()
	if err != nil {
		return nil, err
	}
	// A packet socket on an interface that is down begins with an error.
	for _, l := range []netlink.Link{out, u.in} {
		if err := h.LinkSetUp(l); err != nil {
			return nil, answer(err, "bring up the veth pair")
		}
	}
	u.queue, err = newQueue(link.Attrs(), u.in.Attrs(), d)
	if err != nil {
		return nil, err
	}
	u.queue.start()
	return u, u.redirect()
}

// clear removes what a delay left whose process died.
func (u *userspaceDelay) clear() error {
	if err := u.removeFilter(); err != nil {
		return err
	}
	return u.removePair()
}

// removeFilter removes the clsact queueing discipline, which has no filter but
// ours. A filter behind a stale one would never be reached.
func (u *userspaceDelay) removeFilter() error {
	qdiscs, err := u.h.QdiscList(u.link)
	if err != nil {
		return answer(err, "list the queueing disciplines")
	}
	for _, q := range qdiscs {
		if q.Attrs().Parent != netlink.HANDLE_CLSACT {
			continue
		}
		if err := u.foreign(); err != nil {
			return err
		}
		if err := u.h.QdiscDel(q); err != nil && !errors.Is(err, unix.ENOENT) {
			return answer(err, "delete the queueing discipline "+q.Type())
		}
	}
	return nil
}

// foreign returns an error if there is a filter that isn't ours: one that
// doesn't redirect to our pair.
func (u *userspaceDelay) foreign() error {
	name, _ := pairNames(u.link.Attrs().Index)
	ours := -1
	if in, err := u.h.LinkByName(name); err == nil {
		ours = in.Attrs().Index
	}
	for _, parent := range []uint32{netlink.HANDLE_MIN_EGRESS, netlink.HANDLE_MIN_INGRESS} {
		filters, err := u.h.FilterList(u.link, parent)
		if err != nil {
			return answer(err, "list the filters")
		}
		for _, f := range filters {
			var actions []netlink.Action
			switch f := f.(type) {
			case *netlink.U32:
				if f.Sel == nil { // u32's hash table, which comes with the first filter
					continue
				}
				actions = f.Actions
			case *netlink.MatchAll:
				actions = f.Actions
			}
			mirred := (*netlink.MirredAction)(nil)
			if len(actions) == 1 {
				mirred, _ = actions[0].(*netlink.MirredAction)
			}
			if mirred == nil || mirred.Ifindex != ours {
				return fmt.Errorf("got a filter (%s) that isn't ours, want none: take it away first (tc qdisc del "+
					"dev %s clsact)",
					f.Type(), u.link.Attrs().Name)
			}
		}
	}
	return nil
}

func (u *userspaceDelay) removePair() error {
	name, _ := pairNames(u.link.Attrs().Index)
	in, err := u.h.LinkByName(name)
	if _, ok := errors.AsType[netlink.LinkNotFoundError](err); ok {
		return nil
	}
	if err != nil {
		return answer(err, "look up the veth pair")
	}
	return answer(u.h.LinkDel(in), "delete the veth pair")
}

// addPair makes the veth pair, which is down at first. It takes no part in the
// network: it has no addresses and no ARP.
func (u *userspaceDelay) addPair() (out netlink.Link, err error) {
	inName, outName := pairNames(u.link.Attrs().Index)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = inName
	attrs.MTU = u.link.Attrs().MTU
	err = u.h.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: outName, PeerMTU: uint32(attrs.MTU)})
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil, noVeth(err)
	}
	if err != nil {
		return nil, answer(err, "make a veth pair")
	}
	var ends [2]netlink.Link
	for i, name := range []string{inName, outName} {
		l, err := u.h.LinkByName(name)
		if err != nil {
			return nil, answer(err, "look up the veth pair")
		}
		// A kernel without IPv6 refuses this, and does without.
		_ = u.h.LinkSetIP6AddrGenMode(l, 1)
		if err := u.h.LinkSetARPOff(l); err != nil {
			return nil, answer(err, "switch off ARP on the veth pair")
		}
		ends[i] = l
	}
	u.in = ends[0]
	// The kernel must segment and checksum packets before the ring, and not
	// join them behind it.
	if err := offloadsOff(inName, outName); err != nil {
		return nil, err
	}
	return ends[1], nil
}

// redirect puts the filter in place, which starts the delay.
func (u *userspaceDelay) redirect() error {
	index := u.link.Attrs().Index
	err := u.h.QdiscAdd(&netlink.GenericQdisc{
		QdiscAttrs: netlink.QdiscAttrs{
			LinkIndex: index, Parent: netlink.HANDLE_CLSACT, Handle: netlink.MakeHandle(0xffff, 0),
		},
		QdiscType: "clsact",
	})
	if errors.Is(err, unix.ENOENT) {
		return &unsupported{
			Missing: "the kernel module sch_ingress", Cause: err.Error(),
			Remedy: `try "modprobe sch_ingress" on the host`,
		}
	}
	if err != nil {
		return answer(err, "add the queueing discipline clsact")
	}
	attrs := netlink.FilterAttrs{
		LinkIndex: index, Parent: netlink.HANDLE_MIN_EGRESS, Priority: 1, Protocol: unix.ETH_P_ALL,
	}
	actions := func() []netlink.Action {
		return []netlink.Action{netlink.NewMirredAction(u.in.Attrs().Index)}
	}
	err = u.h.FilterAdd(&netlink.MatchAll{FilterAttrs: attrs, Actions: actions()})
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		err = u.h.FilterAdd(&netlink.U32{
			FilterAttrs: attrs,
			Sel:         &netlink.TcU32Sel{Flags: netlink.TC_U32_TERMINAL, Nkeys: 1, Keys: []netlink.TcU32Key{{}}},
			Actions:     actions(),
		})
	}
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
		return &unsupported{
			Missing: "one of the kernel modules act_mirred and cls_matchall (or cls_u32)",
			Cause:   err.Error(),
			Remedy:  `try "modprobe -a act_mirred cls_matchall" on the host`,
		}
	}
	return answer(err, "add a filter that redirects packets")
}

// undo removes what was made. The packets in the queue are lost.
func (u *userspaceDelay) undo() error {
	err := u.removeFilter()
	if u.queue != nil {
		u.queue.stop(false)
		err = errors.Join(err, u.queue.close())
	}
	return errors.Join(err, u.removePair())
}

func (u *userspaceDelay) kind() Kind              { return Userspace }
func (u *userspaceDelay) packets() int            { return u.queue.ring.frames }
func (u *userspaceDelay) failed() <-chan struct{} { return u.queue.failed }
func (u *userspaceDelay) failure() error          { return u.queue.failure() }

func (u *userspaceDelay) stats() (Stats, error) {
	s := u.queue.statistics()
	given, err := u.given()
	if err != nil {
		return s, err
	}
	s.In = given - min(given, u.queue.skipped.Load())
	return s, nil
}

// given returns how many packets the filter has redirected into the pair.
func (u *userspaceDelay) given() (uint64, error) {
	in, err := u.h.LinkByIndex(u.in.Attrs().Index)
	if err != nil {
		return 0, answer(err, "read the counters of the veth pair")
	}
	c := in.Attrs().Statistics
	if c == nil {
		return 0, errors.New("the kernel gives no counters of the veth pair")
	}
	return c.TxPackets + c.TxDropped, nil
}

func (u *userspaceDelay) remove() (Stats, error) {
	err := u.removeFilter()
	u.queue.stop(err == nil)
	s, statsErr := u.stats()
	// What went in and hasn't come out by now is lost.
	s.Drops = s.In - min(s.In, s.Out)
	return s, errors.Join(err, statsErr, u.queue.failure(), u.queue.close(), u.removePair())
}

// offloadsOff switches off, on the sending end in, what would let packets into
// the ring before they are segmented and checksummed, and on the receiving end
// out what would join them.
func offloadsOff(in, out string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	defer unix.Close(fd)
	for _, o := range []struct {
		name     string
		command  uint32
		end      string
		required bool
	}{
		{"tso", unix.ETHTOOL_STSO, in, true},
		{"gso", unix.ETHTOOL_SGSO, in, true},
		{"scatter-gather", unix.ETHTOOL_SSG, in, false},
		{"transmit checksums", unix.ETHTOOL_STXCSUM, in, true},
		{"gro", unix.ETHTOOL_SGRO, out, false},
	} {
		if err := ethtool(fd, o.end, o.command, 0); err != nil && o.required {
			return answer(err, "switch off the offload "+o.name+" on "+o.end)
		}
	}
	return nil
}

// ethtool sets one value of an interface.
func ethtool(fd int, name string, command, value uint32) error {
	var request struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	argument := &struct{ command, value uint32 }{command, value}
	copy(request.name[:unix.IFNAMSIZ-1], name)
	request.data = unsafe.Pointer(argument)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
	runtime.KeepAlive(argument)
	if errno != 0 {
		return errno
	}
	return nil
}

// source reports whether an Ethernet packet comes from the address.
func source(packet []byte, address net.HardwareAddr) bool {
	return len(packet) >= 12 && bytes.Equal(packet[6:12], address)
}

// timespec is a positive duration as the kernel takes it.
func timespec(d time.Duration) *unix.Timespec {
	t := unix.NsecToTimespec(int64(max(d, 0)))
	return &t
}
