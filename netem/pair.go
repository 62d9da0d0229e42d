package netem

import "net/netip"

// Pair is two network namespaces of this machine, the author's and the
// broker's, joined by a veth pair. Processes hold them: nothing is mounted,
// and with the processes, which die with the one that made them, everything
// is gone.
type Pair struct {
	// Interface is the author's end of the veth pair, the one to delay.
	Interface string
	// AuthorAddr and BrokerAddr are the addresses of the two ends.
	AuthorAddr, BrokerAddr netip.Addr

	author, broker int // the processes that hold the namespaces
	user           bool
	executable     string
	close          func() error
}
