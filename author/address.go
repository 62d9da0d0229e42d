package author

import (
	"context"
	"fmt"
	"net"
	"time"
)

const lookupTimeout = 10 * time.Second

// CheckPrivate refuses an address, host:port, that isn't of this machine or a private
// network: ten thousand test events in the real network of brokers are an
// accident.
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
			return fmt.Errorf("%v isn't a private address: a broker of the real VOEvent network would pass these test events on to everybody; "+
				"-public sends them all the same", ip.IP)
		}
	}
	return nil
}
