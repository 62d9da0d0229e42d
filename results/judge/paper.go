package judge

import (
	"bytes"
	_ "embed"
	"fmt"

	"cometbench/results"
)

// paperJSON is the published result of the original experiment: J. Swinbank,
// "Comet: A VOEvent broker", Astronomy and Computing 7–8 (2014), section on
// throughput; Comet 1.1.0, 10,000 events, 10 runs a cell without latency and
// one with; Intel i7-940, broker, subscriber and author in containers on one
// machine, event databases on tmpfs, epoll reactor. The file is the summary
// that its author made of his runs, byte for byte. Its cell of 200 ms and 2
// connections has missing = -10000: a stale database was appended to.
//
//go:embed paper.json
var paperJSON []byte

// PaperBroker is the broker that the paper measured.
const PaperBroker = "comet-1.1.0"

// Paper returns the published results. Every call returns a set of its own.
func Paper() (*results.Set, error) {
	set, err := results.Read(bytes.NewReader(paperJSON), "the paper", results.Options{Broker: PaperBroker})
	if err != nil {
		return nil, fmt.Errorf("the embedded results of the paper: %w", err)
	}
	return set, nil
}
