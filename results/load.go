package results

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Options say how runs are turned into figures.
type Options struct {
	// Paper divides the events sent by the time, as the paper does, instead
	// of the events acked or stored. The two differ where events are missing.
	// It matters for trees only: other forms hold rates already.
	Paper bool
	// Stale includes runs whose databases hold more entries than events were
	// sent. Without it they are left out, and named in CellRuns.Stale.
	Stale bool
	// Broker names the broker of runs that don't say which it was: those of
	// the original experiment.
	Broker string
}

// Load reads a set of results: a folder is a tree of runs, a file is JSON as
// `cometbench aggregate` and the paper have it, or else the output of the
// benchmark. The form is told by the content.
//
// If some runs of a tree can't be read, Load returns the set of the others
// together with an error that names each of them.
func Load(ctx context.Context, path string, o Options) (*Set, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	if info.IsDir() {
		return loadTree(ctx, path, o)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	defer f.Close()
	return Read(f, path, o)
}

// Read reads a set of results from r, which is JSON or the output of the
// benchmark. Errors name it as name.
func Read(r io.Reader, name string, o Options) (*Set, error) {
	br := bufio.NewReader(r)
	for {
		b, err := br.ReadByte()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: empty: want JSON of cometbench aggregate, or the output of the benchmark", name)
		}
		if err != nil {
			return nil, fmt.Errorf("reading results: %w", err)
		}
		if bytes.IndexByte([]byte(" \t\r\n"), b) >= 0 {
			continue
		}
		if err := br.UnreadByte(); err != nil {
			return nil, fmt.Errorf("reading results: %w", err)
		}
		if b == '{' {
			return readJSON(br, name, o)
		}
		return readBenchmark(br, name)
	}
}
