package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"

	"cometbench/internal/command"
)

// Answer is what serve prints for each subcommand that it has run: what that
// printed, and its exit code.
type Answer struct {
	Out  string `json:"out"`
	Err  string `json:"err"`
	Code int    `json:"code"`
}

// runServe runs the subcommands that it reads, one after another. To start one
// takes a container engine some 50 ms, which short batches can't afford.
func runServe(ctx context.Context, std command.Streams, args []string) error {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	fs.Usage = func() {
		fmt.Fprint(fs.Output(), "usage: cometbench serve\n\n"+
			"Runs the subcommands that it reads on stdin, each a JSON list of arguments,\n"+
			"and prints for each what it printed and its exit code, as JSON.\n")
	}
	if err := command.ParseFlags(fs, std, args, false); err != nil {
		return err
	}
	requests, answers := json.NewDecoder(std.In), json.NewEncoder(std.Out)
	for {
		var args []string
		if err := requests.Decode(&args); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		var stdout, stderr bytes.Buffer
		code := Commands().Run(ctx, command.Streams{Out: &stdout, Err: &stderr}, args)
		if err := answers.Encode(Answer{stdout.String(), stderr.String(), code}); err != nil {
			return fmt.Errorf("serve: %w", err)
		}
	}
}
