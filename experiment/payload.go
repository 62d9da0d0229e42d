package experiment

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"cometbench/author"
	"cometbench/internal/agent"
	"cometbench/results"
)

// Payload is what the author's events are made of. Its zero value is the
// benchmark's own event.
type Payload struct {
	// Files are VOEvents that are sent in turn.
	Files []author.File
	// Size is how many bytes each event has, 0 as many as its file.
	Size int

	record *results.Payload // what the records of runs say of it
}

// readPayload reads what the flags -payload and -size ask for, and returns the
// name of it in a cell, too. The error names the flag.
func readPayload(path, size string) (p Payload, name string, err error) {
	if path == "" && size == "" {
		return p, "", nil
	}
	name = "own"
	if size != "" {
		if p.Size, err = author.ParseSize(size); err != nil {
			return p, "", fmt.Errorf("-size: %w", err)
		}
	}
	if path != "" {
		if p.Files, err = author.ReadPayload(path, p.Size); err != nil {
			return p, "", fmt.Errorf("-payload: %w", err)
		}
		name = payloadName(path)
	}
	p.record = &results.Payload{Files: len(p.Files)}
	if p.record.Smallest, p.record.Largest, err = author.Sizes(p.Files, p.Size); err != nil {
		return p, "", fmt.Errorf("-size: %w", err)
	}
	if size != "" {
		name += "+" + size
	}
	return p, name + "@" + author.PayloadDigest(p.Files, p.Size), nil
}

const longestName = 40 // of a file or folder in a cell's name, in bytes

var notInName = regexp.MustCompile(`[^A-Za-z0-9._]+`)

// payloadName makes a word of a path's last part.
func payloadName(path string) string {
	base := filepath.Base(filepath.Clean(path))
	if full, err := filepath.Abs(path); err == nil {
		base = filepath.Base(full)
	}
	word := strings.Trim(notInName.ReplaceAllString(strings.TrimSuffix(base, filepath.Ext(base)), "-"), "-")
	if word == "" {
		word = "files"
	}
	return word[:min(len(word), longestName)]
}

// files returns the files by name, as a testbed takes them. Their names' order is
// theirs, and all end as those of a folder do.
func (p Payload) files() map[string][]byte {
	files := make(map[string][]byte)
	for _, f := range p.Files {
		name := f.Name
		if !strings.EqualFold(filepath.Ext(name), author.PayloadEnding) {
			name += author.PayloadEnding
		}
		files[name] = f.Event
	}
	return files
}

// deploymentFlags returns the author's flags for it, and for connections that are
// kept open.
func (x *Experiment) deploymentFlags() []string {
	p := x.config.Payload
	var flags []string
	if x.cell.Kept {
		flags = append(flags, "-keep-open")
	}
	if len(p.Files) > 0 {
		flags = append(flags, "-payload", x.config.Testbed.Files(x.subject.inContainers(x.cell)))
	}
	if p.Size > 0 {
		flags = append(flags, "-size", strconv.Itoa(p.Size))
	}
	return flags
}

// tryDeployment sends each event of the payload once before there is a subscriber,
// and two over one connection where that is to be kept open. What the broker
// refuses ends the run.
func (x *Experiment) tryDeployment(ctx context.Context) error {
	if len(x.config.Payload.Files) == 0 && !x.cell.Kept {
		return nil
	}
	args := append([]string{"try", "-public", "-addr", x.receive}, x.deploymentFlags()...)
	_, err := ask[agent.Tried](ctx, x.author, nil, args...)
	return err
}
