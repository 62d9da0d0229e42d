package netem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// emulation is a delay in force.
type emulation interface {
	kind() Kind
	packets() int            // the size of the queue
	failed() <-chan struct{} // closed when the delay has ended by itself; nil if it can't
	failure() error          // why it has, nil while it hasn't
	stats() (Stats, error)   // what it has done so far
	// remove takes the delay away: packets sent from now on aren't delayed,
	// those in the queue still leave when they are due. It returns after the
	// last of them, with what the delay has done.
	remove() (Stats, error)
}

// Run delays what the interface sends, in the network namespace of this
// process, until the context ends. It prints two lines of JSON: [Ready] when
// the delay is in force, [Stats] when it has been taken away.
//
// The process must do nothing else: Run gives all its threads priority over
// those of other processes, where the system allows it, and switches the
// garbage collector off.
//
// If the interface goes down or away meanwhile, Run prints the statistics and
// returns an error. It then leaves what remains of the delay in place, so that
// no packet passes undelayed.
//
// Where this machine or this user can't delay packets, the error is
// [ErrUnsupported], and Ready says so too.
func (d Delay) Run(ctx context.Context, stdout io.Writer) error {
	// The collector would take the CPU from the thread that sends. What little
	// is allocated is bounded all the same.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(256 << 20))
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("delay %s: netlink socket: %w", d.Interface, err)
	}
	defer h.Close()
	prioritize()
	out := json.NewEncoder(stdout)
	e, err := d.add(h)
	if lacking, ok := errors.AsType[*unsupported](err); ok {
		_ = out.Encode(Ready{Unsupported: lacking})
	}
	if err != nil {
		return err
	}
	if err := out.Encode(Ready{true, e.kind(), d.Interface, d.OneWay, e.packets(), nil}); err != nil {
		_, _ = e.remove()
		return fmt.Errorf("report that the delay of %s is in force: %w", d.Interface, err)
	}
	select {
	case <-ctx.Done():
	case <-e.failed():
		if s, err := e.stats(); err == nil {
			_ = out.Encode(s)
		}
		return fmt.Errorf("the delay of %s has ended: %w", d.Interface, e.failure())
	}
	s, err := e.remove()
	if err != nil {
		return fmt.Errorf("remove the delay of %s: %w", d.Interface, err)
	}
	if err := out.Encode(s); err != nil {
		return fmt.Errorf("print the statistics of the delay of %s: %w", d.Interface, err)
	}
	return nil
}

// add puts the delay in force, in the network namespace of the handle.
func (d Delay) add(h *netlink.Handle) (emulation, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	e, err := d.emulate(h)
	if err != nil {
		return nil, fmt.Errorf("delay %s by %v: %w", d.Interface, d.OneWay, err)
	}
	return e, nil
}

func (d Delay) emulate(h *netlink.Handle) (emulation, error) {
	link, err := h.LinkByName(d.Interface)
	if err != nil {
		return nil, noLink(h, d.Interface, err)
	}
	if d.Kind == Userspace {
		return addUserspace(h, link, d)
	}
	e, err := addKernel(h, link, d)
	lacking, ok := errors.AsType[*unsupported](err)
	if d.Kind != Kernel && ok && lacking.Missing == missingNetem {
		return addUserspace(h, link, d)
	}
	return e, err
}

// noLink names the interfaces that there are.
func noLink(h *netlink.Handle, name string, err error) error {
	if _, ok := errors.AsType[netlink.LinkNotFoundError](err); !ok {
		return answer(err, "look up the interface "+name)
	}
	links, err := h.LinkList()
	if err != nil {
		return answer(err, "list the interfaces")
	}
	names := make([]string, 0, len(links))
	for _, l := range links {
		names = append(names, l.Attrs().Name)
	}
	return fmt.Errorf("got the interface %q, want one of this network namespace: %s", name, strings.Join(names, ", "))
}

// answer explains what the kernel answered to a request over netlink.
func answer(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return &unsupported{
			Missing: "the capability NET_ADMIN (to " + doing + ")",
			Cause:   err.Error(),
			Remedy:  "in a container add it (docker run --cap-add NET_ADMIN), else run as root",
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// kernelRelease is for errors that name the kernel; "" where /proc doesn't
// tell.
func kernelRelease() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return " " + strings.TrimSpace(string(b))
}
