package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"cometbench/internal/agent"
	"cometbench/internal/tail"
	"cometbench/testbed"
)

// resident is a role beside which our command stays, and runs there what Run is
// asked for. Only one may be run at a time.
type resident struct {
	testbed.Process
	requests *json.Encoder
	answers  *json.Decoder
	giveUp   func(error) // ends the exchange
}

// deathTold is how long the death of a role is waited for, once a command beside
// it has ended: the death ends that too, and its cause says more.
const deathTold = 2 * time.Second

// stay starts our command beside a role. It ends with the context.
func stay(ctx context.Context, p testbed.Process) *resident {
	requests, request := io.Pipe()
	answer, answers := io.Pipe()
	r := &resident{Process: p, requests: json.NewEncoder(request), answers: json.NewDecoder(answer)}
	r.giveUp = func(err error) {
		requests.CloseWithError(err)
		answers.CloseWithError(err)
	}
	context.AfterFunc(ctx, func() { r.giveUp(context.Cause(ctx)) })
	go func() {
		log := new(tail.Tail)
		err := p.Run(ctx, requests, answers, log, "serve")
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-time.After(deathTold):
			err = fmt.Errorf("cometbench serve ended: %w: %s", err, strings.TrimSpace(log.String()))
		}
		r.giveUp(err)
	}()
	return r
}

// Run takes no standard input. What is cut short by its context leaves nothing
// that could be run after it.
func (r *resident) Run(ctx context.Context, _ io.Reader, stdout, stderr io.Writer, args ...string) error {
	defer context.AfterFunc(ctx, func() { r.giveUp(context.Cause(ctx)) })()
	if err := r.requests.Encode(args); err != nil {
		return err
	}
	var a agent.Answer
	if err := r.answers.Decode(&a); err != nil {
		return err
	}
	if _, err := io.WriteString(stderr, a.Err); err != nil {
		return err
	}
	if a.Code != 0 {
		return fmt.Errorf("cometbench %s: exit code %d", args[0], a.Code)
	}
	_, err := io.WriteString(stdout, a.Out)
	return err
}

// stay keeps our command beside the author and the broker. Nothing is started
// between batches then, but the subscriber's usage.
func (x *Experiment) stay() {
	x.author = stay(x.dead, x.author)
	if x.broker != nil {
		x.broker = stay(x.dead, x.broker)
	}
}
