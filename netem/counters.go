package netem

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
)

// Counters are the counters of a network namespace's TCP that show whether
// packets or connections were lost. They start when the namespace is made.
type Counters struct {
	// RetransSegs counts the segments sent again, SYNs among them.
	RetransSegs uint64 `json:"retrans_segs"`
	// Duplicates counts the segments that the other side reports as received
	// before (RFC 2883). They were sent again because their ack took too long,
	// but they weren't lost.
	Duplicates uint64 `json:"duplicates"`
	// SynRetrans counts the SYNs and SYN-ACKs sent again.
	SynRetrans uint64 `json:"syn_retrans"`
	// ListenOverflows counts the connections that found a full accept queue,
	// ListenDrops all those that a listening socket refused.
	ListenOverflows uint64 `json:"listen_overflows"`
	ListenDrops     uint64 `json:"listen_drops"`
}

// Sub returns what has been counted since earlier.
func (c Counters) Sub(earlier Counters) Counters {
	return Counters{
		RetransSegs:     c.RetransSegs - earlier.RetransSegs,
		Duplicates:      c.Duplicates - earlier.Duplicates,
		SynRetrans:      c.SynRetrans - earlier.SynRetrans,
		ListenOverflows: c.ListenOverflows - earlier.ListenOverflows,
		ListenDrops:     c.ListenDrops - earlier.ListenDrops,
	}
}

// ParseCounters reads the texts of /proc/net/snmp and /proc/net/netstat, in any
// order. A counter that no text has stays 0.
func ParseCounters(texts ...string) (Counters, error) {
	var c Counters
	wanted := map[string]*uint64{
		"Tcp RetransSegs":        &c.RetransSegs,
		"TcpExt TCPDSACKRecv":    &c.Duplicates,
		"TcpExt TCPSynRetrans":   &c.SynRetrans,
		"TcpExt ListenOverflows": &c.ListenOverflows,
		"TcpExt ListenDrops":     &c.ListenDrops,
	}
	for _, text := range texts {
		if err := parseCounters(text, wanted); err != nil {
			return Counters{}, fmt.Errorf("network counters: %w", err)
		}
	}
	return c, nil
}

// parseCounters reads pairs of lines: "Tcp: Name Name", "Tcp: 1 2".
func parseCounters(text string, wanted map[string]*uint64) error {
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n += 2 {
		names := strings.Fields(lines.Text())
		if len(names) == 0 {
			n--
			continue
		}
		if !lines.Scan() {
			return fmt.Errorf("line %d: no values follow the names of %q", n, names[0])
		}
		values := strings.Fields(lines.Text())
		if len(values) != len(names) || values[0] != names[0] {
			return fmt.Errorf("line %d: the values aren't those of the %d names of %q", n+1, len(names)-1, names[0])
		}
		group := strings.TrimSuffix(names[0], ":")
		for i, name := range names[1:] {
			to := wanted[group+" "+name]
			if to == nil {
				continue
			}
			v, err := strconv.ParseUint(values[i+1], 10, 64)
			if err != nil {
				return fmt.Errorf("line %d: %s %s: %w", n+1, group, name, err)
			}
			*to = v
		}
	}
	return lines.Err()
}
