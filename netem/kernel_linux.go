package netem

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const missingNetem = "the kernel module sch_netem"

// netemHandle marks our queueing discipline, "cb:0".
const netemHandle = 0xcb << 16

// defaultTick is the kernel's unit of delay since Linux 2.6.31.
const defaultTick = 64 * time.Nanosecond

// kernelDelay is a delay by sch_netem.
type kernelDelay struct {
	h     *netlink.Handle
	link  netlink.Link
	d     Delay
	limit int
}

func addKernel(h *netlink.Handle, link netlink.Link, d Delay) (*kernelDelay, error) {
	k := &kernelDelay{h: h, link: link, d: d, limit: d.packets(100_000)}
	// netlink's own conversion makes 0 of every delay where /proc/net/psched
	// can't be read, so the ticks are counted here.
	ticks := uint32(d.OneWay / tick())
	root, err := k.root()
	if err != nil {
		return nil, err
	}
	if root != nil && root.Attrs().Handle != 0 && root.Attrs().Handle != netemHandle {
		return nil, fmt.Errorf("got the queueing discipline %s %s, want none or ours: take it away first (tc qdisc "+
			"del dev %s root)",
			root.Type(), netlink.HandleStr(root.Attrs().Handle), d.Interface)
	}
	err = h.QdiscReplace(k.qdisc(ticks))
	if errors.Is(err, unix.ENOENT) {
		return nil, &unsupported{
			Missing: missingNetem,
			Cause:   err.Error(),
			Remedy: "kernel" + kernelRelease() + ` has none loaded; try "modprobe sch_netem" on the host ` +
				`(on RHEL and its kin after "dnf install kernel-modules-extra"), or delay packets in user space`,
		}
	}
	if err != nil {
		return nil, answer(err, "add the queueing discipline netem")
	}
	if err := k.compare(ticks); err != nil {
		return nil, errors.Join(err, k.del())
	}
	return k, nil
}

// tick returns the unit in which the kernel takes delays.
func tick() time.Duration {
	b, err := os.ReadFile("/proc/net/psched")
	if err != nil {
		return defaultTick
	}
	var perMicrosecond, perTick uint32 // both in ns
	if n, _ := fmt.Sscanf(string(b), "%x %x", &perMicrosecond, &perTick); n != 2 || perTick == 0 {
		return defaultTick
	}
	return time.Duration(perTick) * time.Nanosecond
}

// root returns the interface's root queueing discipline, nil if it has none.
func (k *kernelDelay) root() (netlink.Qdisc, error) {
	qdiscs, err := k.h.QdiscList(k.link)
	if err != nil {
		return nil, answer(err, "list the queueing disciplines")
	}
	for _, q := range qdiscs {
		if q.Attrs().Parent == netlink.HANDLE_ROOT {
			return q, nil
		}
	}
	return nil, nil
}

// netem reads our queueing discipline back.
func (k *kernelDelay) netem() (*netlink.Netem, error) {
	root, err := k.root()
	if err != nil {
		return nil, err
	}
	n, ok := root.(*netlink.Netem)
	if !ok || n.Handle != netemHandle {
		return nil, fmt.Errorf("the delay on %s is gone: its queueing discipline has been replaced", k.d.Interface)
	}
	return n, nil
}

// compare compares what the kernel does with what it was asked for.
func (k *kernelDelay) compare(ticks uint32) error {
	n, err := k.netem()
	if err != nil {
		return err
	}
	if n.Latency != ticks || n.Limit != uint32(k.limit) || n.Jitter != 0 || n.Loss != 0 {
		return fmt.Errorf("got %v from the kernel, want a latency of %d ticks and a limit of %d packets", n, ticks,
			k.limit)
	}
	return nil
}

func (k *kernelDelay) kind() Kind              { return Kernel }
func (k *kernelDelay) packets() int            { return k.limit }
func (k *kernelDelay) failed() <-chan struct{} { return nil }
func (k *kernelDelay) failure() error          { return nil }

func (k *kernelDelay) stats() (Stats, error) {
	s, _, err := k.counters()
	return s, err
}

// counters returns the statistics, and how many packets are in the queue.
func (k *kernelDelay) counters() (s Stats, queued uint64, err error) {
	n, err := k.netem()
	if err != nil {
		return s, 0, err
	}
	if n.Statistics == nil || n.Statistics.Basic == nil || n.Statistics.Queue == nil {
		return s, 0, errors.New("the kernel gives no statistics of its queueing discipline netem")
	}
	queued = uint64(n.Statistics.Queue.Qlen)
	s.Out = uint64(n.Statistics.Basic.Packets)
	s.Drops = uint64(n.Statistics.Queue.Drops)
	s.In = s.Out + s.Drops + queued
	return s, queued, nil
}

// qdisc is the queueing discipline as it is asked for.
func (k *kernelDelay) qdisc(ticks uint32) *netlink.Netem {
	return &netlink.Netem{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: k.link.Attrs().Index, Parent: netlink.HANDLE_ROOT,
			Handle: netemHandle},
		Latency: ticks,
		Limit:   uint32(k.limit),
	}
}

// remove lets new packets pass undelayed. It waits for those in the queue, which
// the kernel would throw away, before it deletes the queueing discipline.
func (k *kernelDelay) remove() (Stats, error) {
	patience := time.Now().Add(k.d.OneWay + 100*time.Millisecond)
	err := answer(k.h.QdiscChange(k.qdisc(0)), "end the latency of the queueing discipline netem")
	s, queued, countErr := k.counters()
	err = errors.Join(err, countErr)
	for err == nil && queued > 0 && time.Now().Before(patience) {
		time.Sleep(time.Millisecond)
		s, queued, err = k.counters()
	}
	s.Drops += queued // which go with the queueing discipline
	return s, errors.Join(err, k.del())
}

func (k *kernelDelay) del() error {
	return answer(k.h.QdiscDel(k.qdisc(0)), "delete the queueing discipline netem")
}
