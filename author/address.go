package author

import (
	"context"
	"fmt"
	"net"
	"time"
)

const lookupTimeout = 10 * time.Second

// CheckPrivate refuses an address, host:port, that is neither of this machine
// nor of a private network nor link-local: a broker there may pass ten thousand
// test events on to the real network of brokers. Looking up its name takes 10 s
// at most.
func CheckPrivate(ctx context.Context, addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return err
	}
	for _, ip := range ips {
		if !ip.IP.IsLoopback() && !ip.IP.IsPrivate() && !ip.IP.IsLinkLocalUnicast() {
			return fmt.Errorf("got the address %v, want one of this machine or of a private network: "+
				"a broker elsewhere may pass these test events on to everybody; -public sends them all the same", ip.IP)
		}
	}
	return nil
}
