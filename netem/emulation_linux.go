package netem

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Emulation is a delay in force, from [Add] to [Emulation.Remove]. Its
// methods may be called from several goroutines.
type Emulation struct {
	kind Kind
	impl emulator
	h    *netlink.Handle

	remove sync.Once
	stats  Stats
	err    error
}

// emulator is one kind of emulation.
type emulator interface {
	packets() int
	done() <-chan struct{} // nil if it can't end by itself
	failure() error        // after done: why
	snapshot() (Stats, error)
	remove() (Stats, error)
}

// Add delays what an interface of the calling thread's network namespace
// sends. The delay is in force when Add returns, and stays so until
// [Emulation.Remove]; the context is for setting it up.
//
// Errors that come from the system lacking something are [ErrUnsupported].
func Add(ctx context.Context, d Delay) (*Emulation, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// Sockets belong to the network namespace of the thread that makes them.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("delay %s: netlink socket: %w", d.Interface, err)
	}
	e, err := add(h, d)
	if err != nil {
		h.Close()
		return nil, fmt.Errorf("delay %s by %v: %w", d.Interface, d.OneWay, err)
	}
	return e, nil
}

func add(h *netlink.Handle, d Delay) (*Emulation, error) {
	link, err := h.LinkByName(d.Interface)
	if err != nil {
		return nil, noLink(h, d.Interface, err)
	}
	e := &Emulation{h: h, kind: d.Kind}
	if d.Kind != Userspace {
		k, err := addKernel(h, link, d)
		if err == nil {
			e.kind, e.impl = Kernel, k
			return e, nil
		}
		var no *Error
		if d.Kind == Kernel || !errors.As(err, &no) || no.Missing != missingNetem {
			return nil, err
		}
	}
	u, err := addUserspace(h, link, d)
	if err != nil {
		return nil, err
	}
	e.kind, e.impl = Userspace, u
	return e, nil
}

// noLink says which interfaces there are.
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
	return fmt.Errorf("there is no interface %q in this network namespace: there are %s", name, strings.Join(names, ", "))
}

// answer turns what the kernel answered to a request over netlink into an
// error that says what to do.
func answer(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return &Error{
			Missing: "the capability NET_ADMIN (to " + doing + ")",
			Remedy:  "in a container add it (docker run --cap-add NET_ADMIN), else run as root",
			Err:     err,
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// kernelRelease is for errors that name the kernel; "" if it can't be told.
func kernelRelease() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return " " + strings.TrimSpace(string(b))
}

// Kind returns what delays the packets: [Kernel] or [Userspace].
func (e *Emulation) Kind() Kind { return e.kind }

// Packets returns the size of the queue in packets.
func (e *Emulation) Packets() int { return e.impl.packets() }

// Done is closed when the emulation has ended without [Emulation.Remove],
// because the interface went down or away. What the interface sends then is
// lost until Remove. It is nil for the kernel's kind.
func (e *Emulation) Done() <-chan struct{} { return e.impl.done() }

// Err says why the emulation has ended, after [Emulation.Done].
func (e *Emulation) Err() error { return e.impl.failure() }

// Stats returns what the emulation has done so far.
func (e *Emulation) Stats() (Stats, error) { return e.impl.snapshot() }

// Remove takes the delay away: packets sent from now on aren't delayed, those
// that are held still go out when they are due. It returns after the last of
// them, with what the emulation has done. Further calls return the same.
func (e *Emulation) Remove() (Stats, error) {
	e.remove.Do(func() {
		e.stats, e.err = e.impl.remove()
		e.h.Close()
	})
	return e.stats, e.err
}
