package results

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Options say how runs are turned into figures.
type Options struct {
	// Paper divides the events sent by the time, as the paper does, instead
	// of the events acked or stored. The two differ where events are missing.
	// It matters for trees only: other forms have rates already.
	Paper bool
	// Stale includes runs whose databases have more entries than events were
	// sent. Without it they are left out, which is an error.
	Stale bool
	// Broker is the name of the broker in results that name none: those of the
	// original experiment.
	Broker string
}

// Load reads a set of results: a folder is a tree of runs, a file is JSON as
// `cometbench aggregate` and the paper have it, or else the output of the
// benchmark. Load recognizes the form by the content.
//
// If some runs can't be read or are left out, Load returns the set of the others
// together with an error that names them.
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
// benchmark: as text, as text in the UTF-16 of PowerShell's redirections, or as
// `go test -json` prints it. Errors name it as name.
//
// If records can't be read, Read returns the set of the others together with an
// error.
func Read(r io.Reader, name string, o Options) (*Set, error) {
	br := bufio.NewReader(transform.NewReader(r, unicode.BOMOverride(transform.Nop)))
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
		head, _ := br.Peek(1024) // of shorter text, all; an error comes back later
		switch {
		case bytes.IndexByte(head, 0) >= 0:
			return nil, fmt.Errorf("%s: it holds zero bytes: want text (in UTF-16, with a byte order mark)", name)
		case isEvent(head):
			text, err := outputOf(br)
			if err != nil {
				return nil, fmt.Errorf("%s: reading the output of go test -json: %w", name, err)
			}
			return readBenchmark(text, name)
		case b == '{':
			return readJSON(br, name, o)
		}
		text, err := io.ReadAll(br)
		if err != nil {
			return nil, fmt.Errorf("reading results: %w", err)
		}
		return readBenchmark(text, name)
	}
}

// testEvent is a line of `go test -json`, as `go doc test2json` has it.
type testEvent struct{ Action, Package, Output string }

// isEvent reports whether text begins with a line of `go test -json`.
func isEvent(text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	var e testEvent
	return json.Unmarshal(line, &e) == nil && e.Action != ""
}

// outputOf returns what the tests of each package printed, one package after
// another: `go test -json` mixes them line by line. What isn't an event, such as
// an error of the compiler, stays as it is.
func outputOf(r io.Reader) ([]byte, error) {
	var packages []string
	output := make(map[string][]byte)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e testEvent
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			e = testEvent{Output: lines.Text() + "\n"}
		}
		if _, ok := output[e.Package]; !ok {
			packages = append(packages, e.Package)
		}
		output[e.Package] = append(output[e.Package], e.Output...)
	}
	var text []byte
	for _, name := range packages {
		text = append(text, output[name]...)
	}
	return text, lines.Err()
}
