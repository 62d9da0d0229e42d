package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"cometbench/internal/tail"
	"cometbench/testbed"
)

// ask runs our command beside a role and returns the message that it prints,
// which is of the type M of package agent. Each is shown every line of standard
// error and reports whether it is no text for an error; nil takes none.
func ask[M any](
	ctx context.Context, p testbed.Process, each func(line string) bool, args ...string,
) (message M, err error) {
	var stdout bytes.Buffer
	stderr := &tail.Tail{Each: each}
	if err := p.Run(ctx, nil, &stdout, stderr, args...); err != nil {
		if text := strings.TrimSpace(stderr.String()); text != "" {
			return message, fmt.Errorf("%w: %s", err, text)
		}
		return message, err
	}
	return message, decode(args[0], stdout.Bytes(), &message)
}

// told returns the message that a role prints in its next line.
func told[M any](ctx context.Context, name string, p testbed.Process) (message M, err error) {
	line, err := p.Line(ctx)
	if err != nil {
		return message, err
	}
	return message, decode(name, line, &message)
}

func decode(name string, text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("cometbench %s printed %.100q: %w", name, text, err)
	}
	return nil
}
