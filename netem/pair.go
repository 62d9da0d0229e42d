package netem

import "net/netip"

// Pair is two network namespaces of this machine, the author's and the
// broker's, joined by a veth pair. Two processes keep them in being: nothing
// is mounted, and the namespaces are gone when the processes are, which die
// with the process that made the pair.
type Pair struct {
	// Interface is the author's end of the veth pair, the one to delay.
	Interface string
	// AuthorAddr and BrokerAddr are the addresses of the two ends.
	AuthorAddr, BrokerAddr netip.Addr

	author, broker int  // the processes that keep the namespaces
	user           bool // the namespaces belong to a user namespace
	executable     string
	close          func() error
}

// pairReport is the line of JSON that [RunPair] prints for [NewPair].
type pairReport struct {
	Interface   string       `json:"interface"`
	AuthorAddr  netip.Addr   `json:"author_addr"`
	BrokerAddr  netip.Addr   `json:"broker_addr"`
	Broker      int          `json:"broker_pid"`
	Unsupported *unsupported `json:"unsupported,omitempty"` // why there is no pair
}
